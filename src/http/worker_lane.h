#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"

namespace faceforge::http {

/// A few threads and a bounded queue before them.
class WorkerLane {
 public:
  using Task = std::move_only_function<void()>;

  WorkerLane(size_t thread_count, size_t queue_capacity);

  /// As `finish`.
  ~WorkerLane();

  /// Runs what is queued, takes nothing more, and returns when no thread holds a task any more:
  /// what the tasks refer to may end then. Once, by one thread.
  void finish();

  /// Runs `task` on one of the threads, unless the queue is full or the lane has ended.
  [[nodiscard]] bool try_run(std::shared_ptr<Task> task);

  /// Takes a task out of the queue; says whether it was there still, so that no thread will run it.
  [[nodiscard]] bool withdraw(const std::shared_ptr<Task>& task);

  /// How long what is queued and being run will take, as long as tasks took of late; from 1 s to a
  /// minute.
  [[nodiscard]] std::chrono::seconds time_to_clear() const;

 private:
  void run(Task& task);

  BoundedQueue<std::shared_ptr<Task>> queue_;
  const size_t thread_count_;
  std::atomic<double> mean_duration_s_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace faceforge::http
