#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace faceforge::store::internal {

/// Work that is done in the background when it is asked for, on a thread of its own. Whatever is
/// asked while it runs is one more run. Thread safe.
class BackgroundTurn {
 public:
  explicit BackgroundTurn(std::function<void()> work) : work_(std::move(work)) {}

  /// Waits for the run that goes on; what is only asked for is not begun any more.
  ~BackgroundTurn() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }
  BackgroundTurn(const BackgroundTurn&) = delete;
  BackgroundTurn& operator=(const BackgroundTurn&) = delete;

  /// Never waits.
  void ask() {
    const std::scoped_lock lock(mutex_);
    asked_ = true;
    if (!thread_.joinable()) {
      thread_ = std::jthread([this](const std::stop_token& stop) { work_until(stop); });
    }
    changed_.notify_all();
  }

 private:
  void work_until(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return asked_; })) {
      if (stop.stop_requested()) return;
      asked_ = false;
      lock.unlock();
      work_();
      lock.lock();
    }
  }

  const std::function<void()> work_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool asked_ = false;
  std::jthread thread_;
};

}  // namespace faceforge::store::internal
