#include "evaluate/tail_fit.h"

#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "evaluate/similarity_histogram.h"

namespace faceforge::evaluate {
namespace {

constexpr int64_t kPairCount = 100'000'000;

/// Points that lie exactly on ln FMR = `ln_rate(t)`, but for the rounding of counts.
std::vector<MeasuredRate> points_on(const std::function<double(double)>& ln_rate) {
  std::vector<MeasuredRate> points;
  for (const float t : {0.20F, 0.25F, 0.30F, 0.35F, 0.40F}) {
    const double rate = std::exp(ln_rate(t));
    points.push_back({rate, t, std::llround(rate * static_cast<double>(kPairCount))});
  }
  return points;
}

TEST(Tail, AnExponentialTailIsFoundAgain) {
  const Tail tail = fit_tail(points_on([](double t) { return 1 - 30 * t; }), kPairCount).value();
  EXPECT_NEAR(tail.ln_false_match_rate(0.5), 1 - 30 * 0.5, 0.02);
  EXPECT_NEAR(tail.ln_false_match_rate(0.3), 1 - 30 * 0.3, 0.01);
}

TEST(Tail, ATailThatBendsDownLikeAGaussianIsFoundAgain) {
  const Tail tail =
      fit_tail(points_on([](double t) { return -2 - 5 * t - 30 * t * t; }), kPairCount).value();
  EXPECT_NEAR(tail.curvature, -30, 0.5);
  EXPECT_NEAR(tail.ln_false_match_rate(0.5), -2 - 2.5 - 7.5, 0.05);
}

TEST(Tail, ATailThatBendsUpIsContinuedByAStraightLine) {
  const auto points = points_on([](double t) { return -60 * t + 50 * t * t; });
  const Tail tail = fit_tail(points, kPairCount).value();
  EXPECT_EQ(tail.curvature, 0);
  EXPECT_LT(tail.slope, 0);
}

TEST(Tail, ItNeverPromisesFewerErrorsThanTheLastMeasuredPointHad) {
  auto points = points_on([](double t) { return 1 - 30 * t; });
  points.back().error_count *= 5;  // a bump at the end, as look-alikes make
  const Tail tail = fit_tail(points, kPairCount).value();
  const double measured = std::log(static_cast<double>(points.back().error_count) / kPairCount);
  EXPECT_GE(tail.ln_false_match_rate(points.back().match_threshold), measured - 1e-9);
}

TEST(Tail, PointsThatDoNotFallAreRefused) {
  const std::vector<MeasuredRate> rising{{1e-2, 0.1F, 10}, {1e-3, 0.2F, 20}, {1e-4, 0.3F, 40}};
  EXPECT_EQ(fit_tail(rising, 1000).error().reason, "tail_not_falling");
  const std::vector<MeasuredRate> equal{{1e-2, 0.1F, 10}, {1e-3, 0.1F, 10}, {1e-4, 0.1F, 10}};
  EXPECT_EQ(fit_tail(equal, 1000).error().reason, "tail_not_falling");
}

TEST(Histogram, AThresholdLetsAtMostTheAllowedCountIn) {
  SimilarityHistogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.add(static_cast<float>(i) / 1000);
  EXPECT_EQ(histogram.total_count(), 1000);
  const float match_threshold = histogram.threshold_reached_by(10);
  EXPECT_GT(match_threshold, 0.989F);
  EXPECT_LE(match_threshold, 0.990F);
  EXPECT_EQ(histogram.count_reaching(match_threshold), 10);
  EXPECT_EQ(histogram.threshold_reached_by(1000), -1);
}

TEST(Histogram, TheEndsOfTheRangeAreCounted) {
  SimilarityHistogram histogram;
  histogram.add(-1);
  histogram.add(1);
  histogram.add(1.0000001F);
  EXPECT_EQ(histogram.count_reaching(1), 2);
  EXPECT_EQ(histogram.count_reaching(-1), 3);
  EXPECT_GT(histogram.threshold_reached_by(1), 1);  // both of the pairs at 1 or neither
  EXPECT_EQ(histogram.count_reaching(histogram.threshold_reached_by(1)), 0);
}

}  // namespace
}  // namespace faceforge::evaluate
