#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/result.h"

namespace faceforge::recognition::internal {

/// Lets a bounded number of threads look at photos at a time: more would share the same cores and
/// multiply the memory. Thread safe.
class PhotoTurns {
 public:
  PhotoTurns(int concurrent, int waiting_max, std::chrono::milliseconds wait_max)
      : free_(concurrent), waiting_max_(waiting_max), wait_max_(wait_max) {}

  /// A turn, given back at the end of the scope.
  class Turn {
   public:
    explicit Turn(PhotoTurns& turns) : turns_(&turns) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->give_back();
    }

   private:
    PhotoTurns* turns_;
  };

  /// Waits for a turn.
  ///
  /// fails: busy/recognition_busy when too many wait already, or the wait was too long
  [[nodiscard]] Result<Turn> take() {
    std::unique_lock lock(mutex_);
    if (free_ == 0 && waiting_ >= waiting_max_) return busy();
    ++waiting_;
    const bool given = freed_.wait_for(lock, wait_max_, [this] { return free_ > 0; });
    --waiting_;
    if (!given) return busy();
    --free_;
    return Turn(*this);
  }

  /// Waits as long as it takes: for a training, which nobody waits for at a connection.
  [[nodiscard]] Turn take_patiently() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return free_ > 0; });
    --free_;
    return Turn(*this);
  }

 private:
  static Unexpected busy() {
    return fail(ErrorCode::Busy, "recognition_busy",
                "too many photos are being looked at; try again in a few seconds");
  }

  void give_back() {
    {
      const std::scoped_lock lock(mutex_);
      ++free_;
    }
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  int free_;
  int waiting_ = 0;
  const int waiting_max_;
  const std::chrono::milliseconds wait_max_;
};

}  // namespace faceforge::recognition::internal
