#include "base/parallel_work.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

namespace faceforge {
namespace {

TEST(WorkThrough, EveryIndexIsWorkedOnOnceOnAnyNumberOfThreads) {
  for (const size_t thread_count : {1, 3, 100}) {
    std::vector<std::atomic<int>> seen(50);
    ASSERT_TRUE(work_through(seen.size(), [&](size_t index) { ++seen[index]; }, thread_count, {}));
    for (const auto& times : seen) EXPECT_EQ(times, 1);
  }
}

TEST(WorkThrough, AStopTellsHowMuchWasDone) {
  std::stop_source source;
  const auto stopped = work_through(
      10, [&](size_t index) { return index == 3 ? void(source.request_stop()) : void(); }, 1,
      {.report = {}, .stop = source.get_token()});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_NE(stopped.error().message.find("4 of 10"), std::string::npos);
}

TEST(WorkThrough, NoWorkIsDoneAtOnce) {
  EXPECT_TRUE(work_through(0, [](size_t) { ADD_FAILURE(); }, 2, {}));
}

}  // namespace
}  // namespace faceforge
