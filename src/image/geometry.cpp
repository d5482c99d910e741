#include "image/geometry.h"

#include <cmath>
#include <complex>

namespace faceforge::image {
namespace {

// Points as complex numbers: a similarity without reflection is then `point * factor + offset`.
using Complex = std::complex<double>;

Complex to_complex(Point2f point) {
  return {point.x, point.y};
}

Complex mean(std::span<const Point2f> points) {
  Complex sum = 0;
  for (const Point2f point : points) sum += to_complex(point);
  return sum / static_cast<double>(points.size());
}

// The sum of squared distances from the mean, below which points count as one place: the rounding
// of float coordinates of this size can make no more.
double rounding_noise(std::span<const Point2f> points) {
  double largest = 0;
  for (const Point2f point : points) largest = std::max(largest, std::abs(to_complex(point)));
  const double step = largest * 1e-7;
  return static_cast<double>(points.size()) * step * step;
}

}  // namespace

Point2f SimilarityTransform::apply(Point2f point) const {
  const double x = point.x;
  const double y = point.y;
  return {static_cast<float>(a * x - b * y + tx), static_cast<float>(b * x + a * y + ty)};
}

double SimilarityTransform::scale() const {
  return std::hypot(a, b);
}

double SimilarityTransform::rotation_rad() const {
  return std::atan2(b, a);
}

SimilarityTransform SimilarityTransform::inverse() const {
  const Complex factor = 1.0 / Complex(a, b);
  const Complex offset = -factor * Complex(tx, ty);
  return {.a = factor.real(), .b = factor.imag(), .tx = offset.real(), .ty = offset.imag()};
}

SimilarityTransform SimilarityTransform::before_scaling(double factor) const {
  return {.a = a / factor, .b = b / factor, .tx = tx, .ty = ty};
}

Result<SimilarityTransform> estimate_similarity(std::span<const Point2f> from,
                                                std::span<const Point2f> to) {
  if (from.size() != to.size() || from.size() < 2) {
    return fail(ErrorCode::InvalidInput, "points_unpaired",
                "{} points against {}; at least 2 pairs are needed", from.size(), to.size());
  }
  const Complex from_mean = mean(from);
  const Complex to_mean = mean(to);
  double from_spread = 0;
  double to_spread = 0;
  Complex covariance = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const Complex source = to_complex(from[i]) - from_mean;
    const Complex target = to_complex(to[i]) - to_mean;
    from_spread += std::norm(source);
    to_spread += std::norm(target);
    covariance += std::conj(source) * target;
  }
  // Written so that a NaN anywhere is refused too.
  const bool spread_out = from_spread > rounding_noise(from) && to_spread > rounding_noise(to);
  const bool one_rotation_is_best =
      std::norm(covariance) > 1e-12 * from_spread * to_spread && std::isfinite(from_spread);
  if (!spread_out || !one_rotation_is_best) {
    return fail(ErrorCode::InvalidInput, "points_degenerate",
                "no similarity brings these {} points to their targets", from.size());
  }
  const Complex factor = covariance / from_spread;
  const Complex offset = to_mean - factor * from_mean;
  return SimilarityTransform{
      .a = factor.real(), .b = factor.imag(), .tx = offset.real(), .ty = offset.imag()};
}

}  // namespace faceforge::image
