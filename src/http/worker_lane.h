#pragma once

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

 private:
  BoundedQueue<std::shared_ptr<Task>> queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace faceforge::http
