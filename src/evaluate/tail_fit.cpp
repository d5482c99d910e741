#include "evaluate/tail_fit.h"

#include <array>
#include <cmath>

#include "base/check.h"

namespace faceforge::evaluate {
namespace {

/// Weighted sums of powers of the distance from the last threshold (which keeps the equations well
/// conditioned), and of their products with ln FMR.
struct Moments {
  std::array<double, 5> power{};    // sum of w * u^k
  std::array<double, 3> product{};  // sum of w * u^k * y
};

Moments moments_of(std::span<const MeasuredRate> points, double pair_count) {
  Moments moments;
  const double origin = points.back().match_threshold;
  for (const MeasuredRate& point : points) {
    const double u = point.match_threshold - origin;
    const double y = std::log(static_cast<double>(point.error_count) / pair_count);
    double term = static_cast<double>(point.error_count);
    for (size_t k = 0; k < moments.power.size(); ++k, term *= u) {
      moments.power[k] += term;
      if (k < moments.product.size()) moments.product[k] += term * y;
    }
  }
  return moments;
}

/// ln FMR = level + slope * u + curvature * u^2 in the distance u from the last threshold.
struct Curve {
  double level = 0;
  double slope = 0;
  double curvature = 0;
};

Curve fit_line(const Moments& m) {
  const double determinant = m.power[0] * m.power[2] - m.power[1] * m.power[1];
  const double slope = (m.power[0] * m.product[1] - m.power[1] * m.product[0]) / determinant;
  return {.level = (m.product[0] - slope * m.power[1]) / m.power[0], .slope = slope};
}

double determinant3(const std::array<std::array<double, 3>, 3>& a) {
  return a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
         a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
         a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
}

/// Cramer's rule on the normal equations.
Curve fit_parabola(const Moments& m) {
  std::array<std::array<double, 3>, 3> equations{};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) equations[row][column] = m.power[row + column];
  }
  const double determinant = determinant3(equations);
  std::array<double, 3> solution{};
  for (size_t unknown = 0; unknown < 3; ++unknown) {
    auto replaced = equations;
    for (size_t row = 0; row < 3; ++row) replaced[row][unknown] = m.product[row];
    solution[unknown] = determinant3(replaced) / determinant;
  }
  return {.level = solution[0], .slope = solution[1], .curvature = solution[2]};
}

}  // namespace

double Tail::ln_false_match_rate(double match_threshold) const {
  return intercept + slope * match_threshold + curvature * match_threshold * match_threshold;
}

Result<Tail> fit_tail(std::span<const MeasuredRate> points, int64_t pair_count) {
  CHECK(points.size() >= 3);
  const auto total = static_cast<double>(pair_count);
  const Moments moments = moments_of(points, total);
  Curve curve = fit_parabola(moments);
  const bool bends_down = std::isfinite(curve.curvature) && curve.curvature < 0 && curve.slope < 0;
  if (!bends_down) curve = fit_line(moments);
  if (!std::isfinite(curve.slope) || curve.slope >= 0) {  // also when all thresholds are equal
    return fail(ErrorCode::InvalidInput, "tail_not_falling",
                "the rates of {} thresholds up to {} do not fall, so that nothing can be said "
                "beyond them",
                points.size(), points.back().match_threshold);
  }
  const double measured_level = std::log(static_cast<double>(points.back().error_count) / total);
  curve.level = std::max(curve.level, measured_level);
  const double origin = points.back().match_threshold;
  return Tail{.intercept = curve.level - curve.slope * origin + curve.curvature * origin * origin,
              .slope = curve.slope - 2 * curve.curvature * origin,
              .curvature = curve.curvature};
}

}  // namespace faceforge::evaluate
