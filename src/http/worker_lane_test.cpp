#include "http/worker_lane.h"

#include <atomic>
#include <chrono>
#include <memory>
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

}  // namespace
}  // namespace faceforge::http
