#pragma once

#include <atomic>
#include <stop_token>

#include "base/result.h"

namespace faceforge::cli {

/// Ctrl-C and SIGTERM, turned into a request that work looks at. A second signal, half a
/// second later or more, ends the program at once.
class Interrupt {
 public:
  /// Begins to listen. Call it once, before any thread is started: the signals are blocked in this
  /// thread and those that come after it, and a thread of its own waits for them.
  [[nodiscard]] static const Interrupt& listen();

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] bool requested() const { return flag_; }

  /// Looked at between two stages of work that cannot be ended within.
  ///
  /// fails: cancelled/cancelled when the end was asked for
  [[nodiscard]] Result<void> check() const;

  /// For those who look at a flag.
  [[nodiscard]] const std::atomic<bool>* flag() const { return &flag_; }

  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  Interrupt() = default;
  void wait_for_signals();

  std::stop_source source_;
  std::atomic<bool> flag_ = false;
};

}  // namespace faceforge::cli
