#include "http/worker_lane.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace faceforge::http {

namespace {

/// The weight of the newest task in the mean of their durations.
constexpr double kNewestShare = 1.0 / 16;

}  // namespace

WorkerLane::WorkerLane(size_t thread_count, size_t queue_capacity)
    : queue_(queue_capacity), thread_count_(thread_count) {
  for (size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] {
      while (auto task = queue_.pop()) run(**task);
    });
  }
}

void WorkerLane::run(Task& task) {
  const auto begin = std::chrono::steady_clock::now();
  task();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  // Of two threads that end at once one may not count: it is an estimate.
  const double mean_s = mean_duration_s_;
  mean_duration_s_ = mean_s + kNewestShare * (taken.count() - mean_s);
}

WorkerLane::~WorkerLane() {
  finish();
}

void WorkerLane::finish() {
  queue_.close();
  threads_.clear();  // joins them
}

bool WorkerLane::try_run(std::shared_ptr<Task> task) {
  return queue_.try_push(std::move(task));
}

bool WorkerLane::withdraw(const std::shared_ptr<Task>& task) {
  return queue_.remove(task);
}

std::chrono::seconds WorkerLane::time_to_clear() const {
  const double rounds =
      static_cast<double>(queue_.size() + thread_count_) / static_cast<double>(thread_count_);
  const double seconds = std::clamp(std::ceil(rounds * mean_duration_s_), 1.0, 60.0);
  return std::chrono::seconds(static_cast<int64_t>(seconds));
}

}  // namespace faceforge::http
