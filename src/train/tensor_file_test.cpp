#include "train/tensor_file.h"

#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::train {
namespace {

std::vector<std::byte> bytes_of_text(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// A file of this header and `data_bytes` zeros, made by hand.
std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data_bytes, '\0');
}

class TensorFileTest : public testing::Test {
 protected:
  /// Why a file is refused ("" when it is not).
  std::string reason(const std::string& contents) {
    const auto path = folder_.path() / "file.safetensors";
    EXPECT_TRUE(write_file_atomically(path, contents));
    const auto read = TensorFile::read(path);
    return read ? "" : read.error().reason;
  }

  test::TemporaryFolder folder_;
};

TEST_F(TensorFileTest, WhatIsWrittenIsReadAgain) {
  const auto path = folder_.path() / "weights.safetensors";
  const std::vector<std::byte> numbers = bytes_of_text("12345678");
  const std::vector<std::byte> counter = bytes_of_text("abcdefgh");
  const std::vector<StoredTensor> tensors{
      {.name = "second", .type = ElementType::F32, .shape = {2, 1}, .bytes = numbers},
      {.name = "first", .type = ElementType::I64, .shape = {}, .bytes = counter},
      {.name = "none", .type = ElementType::F32, .shape = {0, 3}, .bytes = {}}};
  ASSERT_TRUE(write_tensor_file(path, tensors, {{"what", "a \"quoted\" text"}}));
  const auto file = TensorFile::read(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().at("what"), "a \"quoted\" text");
  ASSERT_EQ(file->tensors().size(), 3u);
  const StoredTensor* second = file->find("second");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(std::memcmp(second->bytes.data(), numbers.data(), 8), 0);
  EXPECT_EQ(file->find("first")->type, ElementType::I64);
  EXPECT_EQ(file->find("third"), nullptr);
}

TEST_F(TensorFileTest, AFileOfAnotherWriterNeedsNoChecksum) {
  const std::string header =
      R"({"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},)"
      R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}   )";
  EXPECT_EQ(reason(file_of(header, 8)), "");
}

TEST_F(TensorFileTest, AnyByteThatIsChangedIsNoticed) {
  const auto path = folder_.path() / "weights.safetensors";
  const std::vector<std::byte> numbers = bytes_of_text("12345678");
  const std::vector<StoredTensor> tensors{
      {.name = "w", .type = ElementType::F32, .shape = {2}, .bytes = numbers}};
  ASSERT_TRUE(write_tensor_file(path, tensors, {{"step", "7"}}));
  const std::string good = *read_text_file(path, 1 << 20);
  ASSERT_EQ(reason(good), "");
  const size_t key = good.find(kTensorChecksumKey);
  for (size_t place = 0; place < good.size(); ++place) {
    // With another key it is another writer's file, which has no checksum; a checkpoint needs one.
    if (place >= key && place < key + kTensorChecksumKey.size()) continue;
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 1);
    EXPECT_NE(reason(bad), "") << "at " << place;
  }
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(reason(good.substr(0, length)), "tensor_file_damaged") << "cut at " << length;
  }
}

TEST_F(TensorFileTest, AHostileHeaderIsRefused) {
  const auto refused = [&](const std::string& tensors, size_t data_bytes) {
    return reason(file_of(tensors, data_bytes));
  };
  const std::string damaged = "tensor_file_damaged";
  EXPECT_EQ(refused("[]", 0), damaged);
  EXPECT_EQ(refused("{", 0), damaged);
  EXPECT_EQ(refused(R"({"a":7})", 0), damaged);
  EXPECT_EQ(refused(R"({"a":{"dtype":"F32","shape":[1]}})", 4), damaged);
  // Offsets that are beyond the end, backwards, negative or no numbers.
  const auto with_offsets = [](const std::string& offsets) {
    return R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(refused(with_offsets("[0,4]"), 4), "");
  for (const char* offsets :
       {"[0,8]", "[4,0]", "[-4,0]", "[0]", "[0,4,4]", "[0.5,4]", R"(["0","4"])",
        "[0,18446744073709551615]", "[9223372036854775807,9223372036854775807]", "{}"}) {
    EXPECT_EQ(refused(with_offsets(offsets), 4), damaged) << offsets;
  }
  // Shapes whose product overflows, is not the size, is negative, or that are too deep.
  const auto with_shape = [](const std::string& shape) {
    return R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,4]}})";
  };
  for (const char* shape : {"[2]", "[-1]", "[4294967296,4294967296]", "[1,1,1,1,1,1,1,1,1]",
                            "[9223372036854775807,4]", R"(["1"])", "1"}) {
    EXPECT_EQ(refused(with_shape(shape), 4), damaged) << shape;
  }
  EXPECT_EQ(refused(R"({"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", 1), "tensor_type");
  EXPECT_EQ(refused(R"({"__metadata__":{"a":1}})", 0), damaged);
  EXPECT_EQ(refused(R"({"__metadata__":{"faceforge.sha256":"short"}})", 0), damaged);
}

TEST_F(TensorFileTest, TensorsMustNotOverlapNorLeaveAGap) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(reason(file_of(two("[0,4]", "[4,8]"), 8)), "");
  EXPECT_EQ(reason(file_of(two("[0,4]", "[0,4]"), 4)), "tensor_file_damaged");
  EXPECT_EQ(reason(file_of(two("[0,4]", "[2,6]"), 6)), "tensor_file_damaged");
  EXPECT_EQ(reason(file_of(two("[0,4]", "[5,9]"), 9)), "tensor_file_damaged");
  EXPECT_EQ(reason(file_of(two("[1,5]", "[5,9]"), 9)), "tensor_file_damaged");
  EXPECT_EQ(reason(file_of(two("[0,4]", "[4,8]"), 9)), "tensor_file_damaged");
}

TEST_F(TensorFileTest, AHeaderLongerThanItsFileOrTheLimitIsRefusedBeforeItIsRead) {
  for (const uint64_t length : {uint64_t{100}, uint64_t{kMaxTensorHeaderBytes} + 1, ~uint64_t{0}}) {
    std::string file(16, '\0');
    std::memcpy(file.data(), &length, 8);
    EXPECT_EQ(reason(file), "tensor_file_damaged");
  }
  EXPECT_EQ(reason(""), "tensor_file_damaged");
}

}  // namespace
}  // namespace faceforge::train
