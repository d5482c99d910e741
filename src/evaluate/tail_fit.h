#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace faceforge::evaluate {

/// A threshold, and how many of the impostor pairs reach it.
struct MeasuredRate {
  double false_match_rate = 0;  ///< that was asked for
  float match_threshold = 0;
  int64_t error_count = 0;  ///< impostor pairs that reach the threshold
};

/// ln FMR = intercept + slope * t + curvature * t^2.
struct Tail {
  double intercept = 0;
  double slope = 0;
  double curvature = 0;

  [[nodiscard]] double ln_false_match_rate(double match_threshold) const;
};

/// Fits the log of the survival function beyond a high threshold, where too few errors were seen
/// to be counted.
///
/// Least squares on ln(error_count / pair_count), each point weighted by its errors (the variance
/// of the log of a Poisson count of n is 1/n). The curve may bend down (a Gaussian-like tail) but
/// not up: then a straight line, the exponential tail, is fitted. It is lifted if it runs below the
/// last measured point, so that an extrapolated threshold is never under a measured one.
///
/// in:     at least three points (a CHECK), their thresholds rising
/// fails:  invalid_input/tail_not_falling when the points do not fall
/// source: Coles 2001, "An Introduction to Statistical Modeling of Extreme Values", ch. 4 (beyond a
///         high threshold excesses are generalized Pareto; shape 0, the exponential, gives the
///         straight line). The downward bend is a deviation: it is the shape below 0 of light
///         tails, in the form that also continues the Gaussian body.
[[nodiscard]] Result<Tail> fit_tail(std::span<const MeasuredRate> points, int64_t pair_count);

}  // namespace faceforge::evaluate
