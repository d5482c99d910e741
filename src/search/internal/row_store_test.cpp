// What becomes of the rows where memory runs out. This program has its own `operator new`, which
// fails when it is asked to.

#include "search/internal/row_store.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "search/index.h"

namespace {

/// How many allocations succeed from now on; below 0 all of them.
std::atomic<int> allocations_left = -1;

void* allocate(size_t bytes, size_t alignment) {
  if (allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
  const size_t rounded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace faceforge::search::internal {
namespace {

constexpr size_t kLength = 8;
const std::vector<float> kRow(kLength, 0.25F);

/// Runs `work` with so many allocations; says whether it came to its end.
bool succeeds_with(int allocation_count, const auto& work) {
  allocations_left = allocation_count;
  bool succeeded = true;
  try {
    work();
  } catch (const std::bad_alloc&) {
    succeeded = false;
  }
  allocations_left = -1;
  return succeeded;
}

std::vector<size_t> sizes_of(const RowStore::Columns& columns) {
  return {columns.values.size(), columns.codes.size(),   columns.steps.size(),
          columns.errors.size(), columns.offsets.size(), columns.presences.size()};
}

TEST(RowStore, ARowThatFindsNoMemoryLeavesEveryColumnAsLongAsItWas) {
  int failed_count = 0;
  for (bool is_added = false; !is_added; ++failed_count) {
    ASSERT_LT(failed_count, 20);
    RowStore rows(kLength, face::Metric::L2, 100);
    ASSERT_TRUE(rows.add(kRow));
    const auto before = sizes_of(rows.columns());
    is_added = succeeds_with(failed_count, [&] { (void)rows.add(kRow); });
    if (is_added) break;
    EXPECT_EQ(sizes_of(rows.columns()), before) << "after " << failed_count << " allocations";
    EXPECT_EQ(rows.row_count(), 1U);
    EXPECT_EQ(rows.add(kRow), 1U) << "once there is memory";
    EXPECT_EQ(sizes_of(rows.columns()),
              (std::vector<size_t>{2 * kLength, 2 * rows.stride(), 2, 2, 2, 2}));
  }
  EXPECT_GE(failed_count, 6) << "each column grew";
}

TEST(RowStore, RemovingRowsNeedsNoMemory) {
  RowStore rows(kLength, face::Metric::Cosine, 1'000);
  for (int row = 0; row < 1'000; ++row) ASSERT_TRUE(rows.add(kRow));
  EXPECT_TRUE(succeeds_with(0, [&] {
    for (uint32_t row = 0; row < 1'000; ++row) (void)rows.remove(row);
  }));
  EXPECT_EQ(rows.row_count(), 0U);
  EXPECT_EQ(rows.add(kRow), 0U) << "the lowest that is free";
}

TEST(RowStore, AnExactIndexTellsThatThereIsNoMemoryForARow) {
  ExactIndex index(kLength, face::Metric::Cosine);
  Result<uint32_t> added = 0;
  EXPECT_TRUE(succeeds_with(0, [&] { added = index.add(kRow); }));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().reason, "out_of_memory");
  EXPECT_EQ(index.row_count(), 0U);
}

}  // namespace
}  // namespace faceforge::search::internal
