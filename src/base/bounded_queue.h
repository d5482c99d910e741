#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"

namespace faceforge {

/// A first-in, first-out queue between threads that refuses to grow beyond its capacity.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) { CHECK(capacity > 0); }

  /// Adds `item` unless the queue is full or closed; says whether it did. Never waits.
  [[nodiscard]] bool try_push(T item) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return true;
  }

  /// Waits for an item; nothing once the queue is closed and drained.
  [[nodiscard]] std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  /// Waits at most `patience` for an item; nothing when none came, or once closed and drained
  /// (`is_drained` tells which).
  [[nodiscard]] std::optional<T> pop_for(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    not_empty_.wait_for(lock, patience, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  /// Takes out the first item that equals `item`; says whether there was one.
  bool remove(const T& item) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(items_, item);
    if (found == items_.end()) return false;
    items_.erase(found);
    return true;
  }

  /// Closed, and everything was handed out: no further item will come.
  [[nodiscard]] bool is_drained() const {
    const std::scoped_lock lock(mutex_);
    return closed_ && items_.empty();
  }

  /// Refuses further items; what is already queued is still handed out.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

  [[nodiscard]] size_t size() const {
    const std::scoped_lock lock(mutex_);
    return items_.size();
  }

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace faceforge
