#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/result.h"

namespace faceforge::store::internal {

/// Work whose one run serves everybody who asked for it before it began. Who asks while it runs
/// waits, and then one of those who waited runs it again for all of them. Thread safe.
class SharedTurn {
 public:
  /// Runs `work`, or waits for a run that began after this call; returns that run's outcome.
  template <typename Work>
  [[nodiscard]] Result<void> run(Work work) {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = ++last_ticket_;
    turn_over_.wait(lock, [&] { return served_ticket_ >= ticket || !running_; });
    if (served_ticket_ >= ticket) return outcome_;
    running_ = true;
    const uint64_t served = last_ticket_;
    lock.unlock();
    Result<void> outcome = work();
    lock.lock();
    running_ = false;
    served_ticket_ = served;
    outcome_ = outcome;
    turn_over_.notify_all();
    return outcome;
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_over_;
  uint64_t last_ticket_ = 0;
  uint64_t served_ticket_ = 0;
  bool running_ = false;
  Result<void> outcome_;
};

}  // namespace faceforge::store::internal
