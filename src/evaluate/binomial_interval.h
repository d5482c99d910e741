#pragma once

#include <cstdint>

namespace faceforge::evaluate {

inline constexpr double kConfidence = 0.95;  ///< of every interval that a report shows

/// Fewer errors than this behind a rate, and the rate counts as not measurable. With ten, a 95 %
/// interval reaches from half of the rate to twice the rate.
inline constexpr int64_t kErrorsBehindARate = 10;

/// From where to where a value may well lie.
struct Interval {
  double low = 0;
  double high = 1;

  [[nodiscard]] bool excludes(double value) const { return value < low || value > high; }
};

/// Bounds an error rate of which `error_count` errors in `trial_count` trials were seen, exactly
/// and for trials that are independent. Comparisons that share a photo or a person are not: there
/// the interval is too narrow, and `PersonBootstrap` says by how much.
///
/// in:     0 <= error_count <= trial_count (a CHECK); `confidence` in (0, 1)
/// out:    [0, 1] of no trials
/// source: Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the
///         case of the binomial"
[[nodiscard]] Interval binomial_interval(int64_t error_count, int64_t trial_count,
                                         double confidence = kConfidence);

/// The rate that 95 of 100 such runs without a single error stay below; 1 of fewer than 3 trials.
///
/// source: ISO/IEC 19795-1:2021 (the rule of three); Louis 1981, "Confidence intervals for a
///         binomial parameter after observing no successes"
[[nodiscard]] double rule_of_three(int64_t trial_count);

/// Errors of so many trials.
struct CountedRate {
  int64_t error_count = 0;
  int64_t trial_count = 0;

  /// out: 0 of no trials
  [[nodiscard]] double rate() const;
  [[nodiscard]] Interval interval() const { return binomial_interval(error_count, trial_count); }
};

/// Whether so many trials are enough to meet a rate as rare as this: `kErrorsBehindARate` errors
/// are expected.
[[nodiscard]] bool is_measurable(double rate, int64_t trial_count);

/// How many errors a rate allows of so many trials. A small addition keeps 0.001 * 3000 from being
/// counted as 2.
[[nodiscard]] int64_t allowed_errors(double rate, int64_t trial_count);

}  // namespace faceforge::evaluate
