#include "http/worker_lane.h"

#include <utility>

namespace faceforge::http {

WorkerLane::WorkerLane(size_t thread_count, size_t queue_capacity) : queue_(queue_capacity) {
  for (size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] {
      while (auto task = queue_.pop()) (**task)();
    });
  }
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

}  // namespace faceforge::http
