#include "gallery/head_calibration.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace faceforge::gallery {
namespace {

constexpr size_t kErrorsBehindAQuantile = 10;  // as behind a point of a calibration
constexpr size_t kQuantiles = 20;

struct Quantile {
  double without_head = 0;
  double with_head = 0;
};

/// From the median to the rarest with ten pairs beyond it, evenly in the logarithm of the share.
///
/// in: both rising
std::vector<Quantile> upper_quantiles(const std::vector<float>& without_head,
                                      const std::vector<float>& with_head) {
  const auto count = static_cast<double>(without_head.size());
  const double from = std::log(0.5);
  const double to = std::log(static_cast<double>(kErrorsBehindAQuantile) / count);
  std::vector<Quantile> quantiles;
  for (size_t i = 0; i < kQuantiles; ++i) {
    const double share = std::exp(std::lerp(from, to, static_cast<double>(i) / (kQuantiles - 1)));
    const auto beyond = static_cast<size_t>(std::lround(share * count));
    const size_t place = without_head.size() - std::max<size_t>(1, beyond);
    quantiles.push_back({double{without_head[place]}, double{with_head[place]}});
  }
  return quantiles;
}

/// Keeps what is a threshold, below its `points.back()` nothing else.
void add_point(face::Calibration& calibration, double false_match_rate, double threshold) {
  const auto similarity = static_cast<float>(std::min(1.0, threshold));
  auto& points = calibration.points;
  if (!points.empty() && similarity <= points.back().match_threshold) return;
  points.push_back({false_match_rate, similarity});
}

}  // namespace

StrangerLine stranger_line(std::vector<float> without_head, std::vector<float> with_head) {
  CHECK(without_head.size() == with_head.size());
  std::ranges::sort(without_head);
  std::ranges::sort(with_head);
  if (without_head.size() < kFewestStrangerPairs) {
    StrangerLine line;
    for (size_t i = 0; i < with_head.size(); ++i) {
      line.offset = std::max(line.offset, double{with_head[i]} - double{without_head[i]});
    }
    return line;
  }
  const std::vector<Quantile> quantiles = upper_quantiles(without_head, with_head);
  double mean_without = 0;
  double mean_with = 0;
  for (const Quantile& quantile : quantiles) {
    mean_without += quantile.without_head / kQuantiles;
    mean_with += quantile.with_head / kQuantiles;
  }
  double products = 0;
  double squares = 0;
  for (const Quantile& quantile : quantiles) {
    const double deviation = quantile.without_head - mean_without;
    products += deviation * (quantile.with_head - mean_with);
    squares += deviation * deviation;
  }
  StrangerLine line{.slope = squares > 0 ? std::max(1.0, products / squares) : 1.0};
  line.offset = -INFINITY;
  for (const Quantile& quantile : quantiles) {
    line.offset = std::max(line.offset, quantile.with_head - line.slope * quantile.without_head);
  }
  return line;
}

face::Calibration calibration_of_head(const face::Calibration& base, const StrangerLine& line,
                                      int64_t person_pair_count, double ambiguity_margin,
                                      const face::ModelId& head) {
  CHECK(!base.points.empty() && person_pair_count > 0);
  // The most lenient threshold does not fall, and with a slope of 1 or more no other one does.
  const double first = double{base.points.front().match_threshold};
  const double offset = std::max(line.offset, first - line.slope * first);
  face::Calibration calibration;
  calibration.model_id = head;
  calibration.impostor_pair_count = person_pair_count;
  calibration.ambiguity_margin =
      static_cast<float>(std::clamp(ambiguity_margin, double{base.ambiguity_margin}, 2.0));
  for (const face::CalibrationPoint& point : base.points) {
    add_point(calibration, point.false_match_rate,
              offset + line.slope * double{point.match_threshold});
  }
  calibration.least_measured_rate = std::max(
      base.least_measured_rate, std::min(1.0, 10.0 / static_cast<double>(person_pair_count)));
  // ln FMR = a + b t + c t^2 at t = (u - offset) / slope.
  const double slope = line.slope;
  calibration.tail_curvature = base.tail_curvature / (slope * slope);
  calibration.tail_slope =
      base.tail_slope / slope - 2 * base.tail_curvature * offset / (slope * slope);
  calibration.tail_intercept = base.tail_intercept - base.tail_slope * offset / slope +
                               base.tail_curvature * offset * offset / (slope * slope);
  return calibration;
}

}  // namespace faceforge::gallery
