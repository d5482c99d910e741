#include "http/worker_lane.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <thread>

#include <gtest/gtest.h>

namespace faceforge::http {
namespace {

/// Takes its time to go, as the last reference to a closed connection may.
struct SlowToGo {
  std::atomic<int>& gone_count;

  ~SlowToGo() {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++gone_count;
  }
};

TEST(WorkerLane, WhatTasksHoldIsGoneOnceTheLaneHasFinished) {
  std::atomic<int> run_count = 0;
  std::atomic<int> gone_count = 0;
  WorkerLane lane(2, 4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(lane.try_run(std::make_shared<WorkerLane::Task>(
        [&run_count, held = std::shared_ptr<SlowToGo>(new SlowToGo{gone_count})] {
          ++run_count;
        })));
  }
  lane.finish();
  EXPECT_EQ(run_count, 4);
  EXPECT_EQ(gone_count, 4);
}

TEST(WorkerLane, TakesNothingAfterItHasFinished) {
  WorkerLane lane(1, 1);
  lane.finish();
  EXPECT_FALSE(lane.try_run(std::make_shared<WorkerLane::Task>([] {})));
}

TEST(WorkerLane, ATaskThatWasWithdrawnIsNotRun) {
  std::binary_semaphore go_on(0);
  std::atomic<int> run_count = 0;
  WorkerLane lane(1, 4);
  const auto counting = [&run_count] { ++run_count; };
  const auto first = std::make_shared<WorkerLane::Task>([&go_on] { go_on.acquire(); });
  const auto withdrawn = std::make_shared<WorkerLane::Task>(counting);
  ASSERT_TRUE(lane.try_run(first));
  ASSERT_TRUE(lane.try_run(withdrawn));
  ASSERT_TRUE(lane.try_run(std::make_shared<WorkerLane::Task>(counting)));
  EXPECT_TRUE(lane.withdraw(withdrawn));
  EXPECT_FALSE(lane.withdraw(withdrawn));
  go_on.release();
  lane.finish();
  EXPECT_EQ(run_count, 1);
}

TEST(WorkerLane, TheTimeToClearIsThatOfWhatWaitsBeforeItsThreads) {
  std::counting_semaphore<> go_on(0);
  WorkerLane lane(2, 200);
  EXPECT_EQ(lane.time_to_clear(), std::chrono::seconds(1)) << "the least";
  const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.try_run(std::make_shared<WorkerLane::Task>(nap)));
  std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
  for (int i = 0; i < 200; ++i) {
    static_cast<void>(
        lane.try_run(std::make_shared<WorkerLane::Task>([&go_on] { go_on.acquire(); })));
  }
  // 200 before two threads, each 10 ms but for what a mean of the newest 16 forgets.
  EXPECT_GE(lane.time_to_clear(), std::chrono::seconds(1));
  EXPECT_LE(lane.time_to_clear(), std::chrono::seconds(4));
  go_on.release(200);
}

}  // namespace
}  // namespace faceforge::http
