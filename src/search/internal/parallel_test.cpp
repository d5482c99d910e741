#include "search/internal/parallel.h"

#include <atomic>
#include <new>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::search::internal {
namespace {

using ::testing::Each;

TEST(RunParts, EveryPartRunsOnce) {
  for (const size_t part_count : {1U, 2U, 7U}) {
    std::vector<int> run_counts(part_count);
    run_parts(part_count, [&](size_t part) { ++run_counts[part]; });
    EXPECT_THAT(run_counts, Each(1));
  }
}

TEST(RunParts, APartThatThrowsOnAnyThreadIsThrownOnceAllOthersHaveEnded) {
  for (size_t thrower = 0; thrower < 4; ++thrower) {
    std::atomic<int> ended_count = 0;
    EXPECT_THROW(run_parts(4,
                           [&](size_t part) {
                             if (part == thrower) throw std::bad_alloc();
                             ++ended_count;
                           }),
                 std::bad_alloc);
    EXPECT_EQ(ended_count, 3) << thrower;
  }
}

TEST(RunParts, OfSeveralThatThrowTheLowestIsHeard) {
  EXPECT_THROW(run_parts(3,
                         [](size_t part) {
                           if (part == 1) throw std::bad_alloc();
                           if (part == 2) throw std::runtime_error("another");
                         }),
               std::bad_alloc);
}

TEST(RunPartsDeath, NoPartIsABug) {
  EXPECT_DEATH(run_parts(0, [](size_t) {}), "part_count");
}

}  // namespace
}  // namespace faceforge::search::internal
