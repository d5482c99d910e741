#include "base/zeroed_memory.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace faceforge {
namespace {

using Bytes = std::vector<uint8_t, ZeroedMemory<uint8_t>>;

bool is_zero(const Bytes& bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

TEST(ZeroedMemory, IsZeroAlsoWhereOtherBytesWereBefore) {
  for (const size_t size : {size_t{1}, size_t{1000}, size_t{1} << 20, (size_t{5} << 20) + 1}) {
    for (int round = 0; round < 3; ++round) {
      Bytes bytes(size);
      EXPECT_EQ(bytes.size(), size);
      EXPECT_TRUE(is_zero(bytes)) << size;
      std::ranges::fill(bytes, 255);
    }
  }
}

TEST(ZeroedMemory, CopiesHoldTheSameBytes) {
  Bytes bytes(size_t{3} << 20);
  bytes.front() = 1;
  bytes.back() = 2;
  const Bytes copy = bytes;
  EXPECT_EQ(copy, bytes);
  EXPECT_NE(copy.data(), bytes.data());
  bytes.resize(bytes.size() + 1);
  EXPECT_EQ(bytes.back(), 0);
  EXPECT_EQ(bytes[bytes.size() - 2], 2);
}

TEST(ZeroedMemory, LargeOnesBeginAtALargePage) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "all of it comes from calloc, which the sanitizer watches";
#endif
  const Bytes bytes(size_t{3} << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % (size_t{2} << 20), 0U);
}

TEST(ZeroedMemory, MoreThanThereIsIsRefused) {
#if !defined(__SANITIZE_ADDRESS__)  // which ends the program instead
  EXPECT_THROW((void)allocate_zeroed(std::numeric_limits<size_t>::max() / 4), std::bad_alloc);
  EXPECT_THROW((void)allocate_zeroed(std::numeric_limits<size_t>::max()), std::bad_alloc);
#endif
}

}  // namespace
}  // namespace faceforge
