#pragma once

#include <chrono>

namespace faceforge::bench {

/// Measures one stage after the other.
class Stopwatch {
 public:
  /// units: milliseconds since the last lap, or since it was made
  double lap_ms() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> lap = now - last_;
    last_ = now;
    return lap.count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace faceforge::bench
