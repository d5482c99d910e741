#include "gallery/npy.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Written by hand after NEP 1, version 1.0: magic, version, little-endian length of the header
/// (118, so that the values start at 128), the dictionary, spaces, a line feed; then 1, -2 and 0.5
/// as IEEE 754.
std::string one_by_three() {
  std::string file("\x93NUMPY\x01\x00\x76\x00", 10);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
  header.resize(117, ' ');
  file += header + "\n";
  file += std::string("\x00\x00\x80\x3F\x00\x00\x00\xC0\x00\x00\x00\x3F", 12);
  return file;
}

TEST(Npy, IsWrittenByteByByteAsNumpySavesIt) {
  EXPECT_EQ(text_of(write_npy({1, 3, {1, -2, 0.5F}})), one_by_three());
}

TEST(Npy, IsReadBackTheSame) {
  const auto table = read_npy(bytes_of(one_by_three()));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->row_count, 1U);
  EXPECT_EQ(table->column_count, 3U);
  EXPECT_EQ(table->values, (std::vector<float>{1, -2, 0.5F}));
  const auto empty = read_npy(write_npy({0, 512, {}}));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->row_count, 0U);
  EXPECT_EQ(empty->column_count, 512U);
}

TEST(Npy, ValuesStartAtAMultipleOf64HoweverLongTheShape) {
  for (const size_t rows : {1U, 10U, 100U, 1'000U, 10'000U}) {
    EXPECT_EQ((write_npy({rows, 1, std::vector<float>(rows)}).size() - rows * 4) % 64, 0U);
  }
}

TEST(Npy, ALengthThatIsNotThatOfTheShapeIsDamage) {
  const std::string whole = one_by_three();
  for (const std::string& file :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() - 4), whole + "abcd",
        whole.substr(0, 60)}) {
    EXPECT_EQ(read_npy(bytes_of(file)).error().reason, "npy_damaged");
  }
}

TEST(Npy, AShapeWhoseProductOverflowsIsDamage) {
  std::string file = one_by_three();
  const std::string shape = "(4611686018427387905, 4), }";  // 2^62 + 1, times 4 is 4 in 64 bits
  file.replace(file.find("(1, 3), }"), shape.size(), shape);
  EXPECT_EQ(read_npy(bytes_of(file)).error().reason, "npy_damaged");
}

TEST(Npy, AnotherLayoutIsRefusedByName) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"<f4", "<f8"}, {"False", "True "}, {"(1, 3)", "(3,)  "}}) {
    std::string file = one_by_three();
    file.replace(file.find(from), from.size(), to);
    EXPECT_EQ(read_npy(bytes_of(file)).error().reason, "npy_layout") << to;
  }
  std::string newer = one_by_three();
  newer[6] = '\x02';
  EXPECT_EQ(read_npy(bytes_of(newer)).error().reason, "npy_layout");
}

TEST(Npy, AnotherKindOfFileIsSaidToBeOne) {
  EXPECT_EQ(read_npy({}).error().reason, "not_npy");
  EXPECT_EQ(read_npy(bytes_of("a text that is long enough")).error().reason, "not_npy");
}

}  // namespace
}  // namespace faceforge::gallery
