#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace faceforge {

/// Milliseconds since the Unix epoch, UTC: the only form of time that is stored.
using UnixTime_ms = int64_t;

/// Where the time comes from. Passed in, so that expiry can be tested without waiting.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixTime_ms now_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] UnixTime_ms now_ms() const override;
};

/// A clock that stands still until it is told otherwise; for tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixTime_ms start_ms = 1'700'000'000'000) : now_ms_(start_ms) {}
  [[nodiscard]] UnixTime_ms now_ms() const override { return now_ms_; }
  void advance(std::chrono::milliseconds step) { now_ms_ += step.count(); }

 private:
  UnixTime_ms now_ms_;
};

/// Formats as RFC 3339, for example `2026-11-22T17:47:52Z`.
[[nodiscard]] std::string to_rfc3339(UnixTime_ms time_ms);

}  // namespace faceforge
