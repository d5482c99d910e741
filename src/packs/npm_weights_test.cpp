#include "packs/npm_weights.h"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string manifest_of(const std::string& entries, const std::string& paths = "\"w.bin\"") {
  return "[{\"paths\": [" + paths + "], \"weights\": [" + entries + "]}]";
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

void append(std::vector<std::byte>& bytes, float value) {
  std::byte raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.insert(bytes.end(), raw, raw + sizeof value);
}

constexpr const char* kQuantized =
    R"({"name": "a/b", "shape": [2, 2], "dtype": "float32",
        "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}})";
constexpr const char* kInteger =
    R"({"name": "i", "shape": [], "dtype": "int32",
        "quantization": {"dtype": "uint8", "scale": 1, "min": 3}})";
constexpr const char* kRaw = R"({"name": "raw", "shape": [2], "dtype": "float32"})";

Error error_of(const std::string& manifest, const std::vector<std::byte>& bytes) {
  const auto weights = parse_npm_weights(manifest, bytes);
  EXPECT_FALSE(weights) << "the weights were accepted";
  return weights ? Error{} : weights.error();
}

TEST(NpmWeights, QuantizedAndRawTensorsAreReadFromOneFileAndIntegersSkipped) {
  auto bytes = bytes_of({0, 1, 2, 255, 77});
  append(bytes, 3.25F);
  append(bytes, -7.0F);
  const auto weights =
      parse_npm_weights(manifest_of(std::string(kQuantized) + "," + kInteger + "," + kRaw), bytes);
  ASSERT_TRUE(weights) << weights.error().message;
  ASSERT_EQ(weights->size(), 2U);
  EXPECT_THAT(weights->at("a/b").values, ElementsAre(-1.0F, -0.5F, 0.0F, 126.5F));
  EXPECT_THAT(weights->at("a/b").shape, ElementsAre(2, 2));
  EXPECT_THAT(weights->at("raw").values, ElementsAre(3.25F, -7.0F));
}

TEST(NpmWeights, AFileThatIsTooShortOrTooLongIsCorrupt) {
  for (const auto& bytes : {bytes_of({1, 2, 3}), bytes_of({1, 2, 3, 4, 5}), bytes_of({})}) {
    const Error error = error_of(manifest_of(kQuantized), bytes);
    EXPECT_EQ(error.code, ErrorCode::Corrupt);
    EXPECT_EQ(error.reason, "weights_file_size");
    EXPECT_THAT(error.message, HasSubstr("describes 4"));
  }
}

TEST(NpmWeights, AWeightThatIsNotANumberIsCorrupt) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<std::byte> bytes;
    append(bytes, 1);
    append(bytes, value);
    const Error error = error_of(manifest_of(kRaw), bytes);
    EXPECT_EQ(error.reason, "weight_not_finite");
    EXPECT_THAT(error.message, HasSubstr("raw"));
  }
}

TEST(NpmWeights, OtherTypesAreUnsupported) {
  for (const char* entry :
       {R"({"name": "s", "shape": [1], "dtype": "string"})",
        R"({"name": "s", "shape": [1], "dtype": "complex64"})",
        R"({"name": "h", "shape": [1], "dtype": "float32", "quantization": {"dtype": "int4"}})",
        R"({"name": "h", "shape": [1], "dtype": "int32", "quantization": {"dtype": "float16"}})",
        R"({"name": "h", "shape": [1], "dtype": "bool",
            "quantization": {"dtype": "uint8", "scale": 1, "min": 0}})"}) {
    EXPECT_EQ(error_of(manifest_of(entry), {}).reason, "weights_type_unsupported") << entry;
  }
}

/// Both kinds of tensors of a manifest.
Result<NpmTensors> tensors_of(const std::string& entries, const std::vector<std::byte>& bytes) {
  return parse_npm_tensors(*json::parse(manifest_of(entries)), bytes);
}

TEST(NpmTensors, HalfFloatsAndTwoBytesAnElementAreWidened) {
  // 1, -2, the largest (65504), the smallest above 0 (2^-24); then 0, 1 and 65535 of a scale of
  // 0.5.
  const auto bytes = bytes_of({0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x01, 0x00,  //
                               0x00, 0x00, 0x01, 0x00, 0xFF, 0xFF});
  const auto tensors = tensors_of(
      R"({"name": "h", "shape": [4], "dtype": "float32",
          "quantization": {"dtype": "float16", "original_dtype": "float32"}},
         {"name": "q", "shape": [3], "dtype": "float32",
          "quantization": {"dtype": "uint16", "scale": 0.5, "min": -1}})",
      bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_THAT(tensors->floats.at("h").values, ElementsAre(1.0F, -2.0F, 65504.0F, 0x1p-24F));
  EXPECT_THAT(tensors->floats.at("q").values, ElementsAre(-1.0F, -0.5F, 32766.5F));
}

TEST(NpmTensors, AHalfFloatThatIsNotANumberIsCorrupt) {
  for (const int high : {0x7C, 0x7E, 0xFC}) {
    const auto tensors = tensors_of(
        R"({"name": "h", "shape": [1], "dtype": "float32", "quantization": {"dtype": "float16"}})",
        bytes_of({0x00, high}));
    ASSERT_FALSE(tensors);
    EXPECT_EQ(tensors.error().reason, "weight_not_finite");
  }
}

TEST(NpmTensors, IntegersAndFlagsAreKept) {
  const auto bytes = bytes_of({0xFE, 0xFF, 0xFF, 0xFF, 0x02, 0, 0, 0, 0, 1, 7, 5, 6});
  const auto tensors = tensors_of(
      R"({"name": "i", "shape": [2], "dtype": "int32"}, {"name": "b", "shape": [3], "dtype": "bool"},
         {"name": "q", "shape": [2], "dtype": "int32",
          "quantization": {"dtype": "uint8", "scale": 0.5, "min": -10}})",
      bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_THAT(tensors->integers.at("i").values, ElementsAre(-2, 2));
  EXPECT_THAT(tensors->integers.at("b").values, ElementsAre(0, 1, 1));
  // JavaScript rounds -7.5 up, to -7.
  EXPECT_THAT(tensors->integers.at("q").values, ElementsAre(-7, -7));
}

TEST(NpmTensors, AnIntegerOutOfRangeIsCorrupt) {
  const auto tensors = tensors_of(R"({"name": "q", "shape": [1], "dtype": "int32",
      "quantization": {"dtype": "uint8", "scale": 1e300, "min": 0}})",
                                  bytes_of({255}));
  ASSERT_FALSE(tensors);
  EXPECT_EQ(tensors.error().reason, "weight_not_finite");
}

TEST(NpmTensors, EachGroupsFilesAreItsOwnTensorsBytes) {
  const test::TemporaryFolder folder;
  const std::string manifest =
      R"([{"paths": ["a.bin", "b.bin"], "weights": [{"name": "x", "shape": [3], "dtype": "bool"}]},
          {"paths": ["c.bin"], "weights": [{"name": "y", "shape": [1], "dtype": "bool"}]}])";
  const auto read = [&] { return read_npm_tensors(*json::parse(manifest), folder.path()); };
  const auto write = [&](const char* name, const std::vector<std::byte>& bytes) {
    ASSERT_TRUE(write_file_atomically(folder.path() / name, bytes));
  };
  write("a.bin", bytes_of({0, 1}));
  write("b.bin", bytes_of({1}));
  write("c.bin", bytes_of({1}));
  ASSERT_TRUE(read()) << read().error().message;
  EXPECT_THAT(read()->integers.at("x").values, ElementsAre(0, 1, 1));
  EXPECT_THAT(read()->integers.at("y").values, ElementsAre(1));
  // As many bytes in all, but not in each group.
  write("b.bin", bytes_of({1, 1}));
  write("c.bin", bytes_of({}));
  EXPECT_EQ(read().error().reason, "weights_file_size");
}

TEST(NpmWeights, AManifestThatMakesNoSenseIsMalformed) {
  for (const std::string& manifest :
       {std::string("{"), std::string("{}"), std::string("[]"), std::string("[{}, {}]"),
        std::string("[7]"), manifest_of(""), manifest_of("17"), manifest_of(kRaw, ""),
        manifest_of(kRaw, "17"), manifest_of(std::string(kRaw) + "," + kRaw),
        manifest_of(R"({"name": "a", "shape": [-1], "dtype": "float32"})"),
        manifest_of(R"({"name": "a", "shape": [0], "dtype": "float32"})"),
        manifest_of(R"({"name": "a", "shape": [1,1,1,1,1,1,1,1,1], "dtype": "float32"})"),
        manifest_of(R"({"shape": [1], "dtype": "float32"})"),
        manifest_of(R"({"name": "a", "shape": [1], "dtype": "float32", "quantization":
                       {"dtype": "uint8", "scale": "x", "min": 0}})")}) {
    std::vector<std::byte> bytes(16);
    EXPECT_EQ(error_of(manifest, bytes).reason, "weights_manifest_malformed") << manifest;
  }
}

TEST(NpmWeights, MoreWeightsThanTheLimitAreRefusedBeforeAnyMemoryIsTaken) {
  for (const char* shape : {"[4294967296, 4294967296]", "[9223372036854775807, 2]", "[67108865]"}) {
    const Error error = error_of(
        manifest_of(fmt::format(R"({{"name": "a", "shape": {}, "dtype": "float32"}})", shape)), {});
    EXPECT_EQ(error.reason, "weights_too_large") << shape;
    EXPECT_THAT(error.message, HasSubstr("limit of 268435456 bytes"));
  }
  // Integers take twice as much memory as in their file.
  EXPECT_EQ(
      error_of(manifest_of(R"({"name": "i", "shape": [40000000], "dtype": "int32"})"), {}).reason,
      "weights_too_large");
  std::string many;
  for (int index = 0; index < 3; ++index) {
    many += fmt::format(R"({}{{"name": "{}", "shape": [30000000], "dtype": "float32"}})",
                        index == 0 ? "" : ",", index);
  }
  EXPECT_EQ(error_of(manifest_of(many), {}).reason, "weights_too_large");
}

TEST(NpmWeights, ADimensionThatIsNoPositiveIntegerIsNamedWithItsTensor) {
  for (const char* dimension : {"-3", "0", "1.5", "\"2\"", "null"}) {
    const Error error =
        error_of(manifest_of(fmt::format(
                     R"({{"name": "conv/w", "shape": [2, {}], "dtype": "float32"}})", dimension)),
                 {});
    EXPECT_EQ(error.reason, "weights_manifest_malformed") << dimension;
    EXPECT_THAT(error.message, ::testing::AllOf(HasSubstr("conv/w"), HasSubstr(dimension)));
  }
  const Error deep = error_of(manifest_of(R"({"name": "a", "shape": [1,1,1,1,1,1,1,1,1],
                                              "dtype": "float32"})"),
                              {});
  EXPECT_THAT(deep.message, HasSubstr("9 dimensions; the limit is 8"));
  const Error named =
      error_of(manifest_of(fmt::format(R"({{"name": "{}", "shape": [1], "dtype": "float32"}})",
                                       std::string(1'001, 'a'))),
               {});
  EXPECT_THAT(named.message, HasSubstr("1001 bytes; the limit is 1000"));
}

TEST(NpmWeights, TheBinaryFileLiesBesideItsManifest) {
  const test::TemporaryFolder folder;
  const auto manifest_path = folder.path() / "net-weights_manifest.json";
  ASSERT_TRUE(write_file_atomically(manifest_path, std::string_view(manifest_of(kQuantized))));
  const auto missing = read_npm_weights(folder.path(), "net");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  ASSERT_TRUE(write_file_atomically(folder.path() / "w.bin", bytes_of({1, 2, 3, 4})));
  EXPECT_TRUE(read_npm_weights(folder.path(), "net"));

  for (const char* outside : {"\"../w.bin\"", "\"/etc/passwd\"", "\"\"", "\"..\""}) {
    ASSERT_TRUE(
        write_file_atomically(manifest_path, std::string_view(manifest_of(kQuantized, outside))));
    const auto refused = read_npm_weights(folder.path(), "net");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "weights_manifest_malformed") << outside;
  }
}

}  // namespace
}  // namespace faceforge::packs
