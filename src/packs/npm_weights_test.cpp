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
  EXPECT_EQ(error_of(manifest_of(R"({"name": "s", "shape": [1], "dtype": "string"})"), {}).reason,
            "weights_type_unsupported");
  EXPECT_EQ(error_of(manifest_of(R"({"name": "h", "shape": [1], "dtype": "float32",
              "quantization": {"dtype": "float16"}})"),
                     {})
                .reason,
            "weights_type_unsupported");
}

TEST(NpmWeights, AManifestThatMakesNoSenseIsMalformed) {
  for (const std::string& manifest :
       {std::string("{"), std::string("{}"), std::string("[]"), std::string("[{}, {}]"),
        manifest_of(""), manifest_of("17"), manifest_of(kRaw, ""),
        manifest_of(kRaw, "\"a\", \"b\""), manifest_of(std::string(kRaw) + "," + kRaw),
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
  }
  std::string many;
  for (int index = 0; index < 3; ++index) {
    many += fmt::format(R"({}{{"name": "{}", "shape": [30000000], "dtype": "float32"}})",
                        index == 0 ? "" : ",", index);
  }
  EXPECT_EQ(error_of(manifest_of(many), {}).reason, "weights_too_large");
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
