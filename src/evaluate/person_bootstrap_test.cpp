#include "evaluate/person_bootstrap.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {
namespace {

constexpr auto kGenuine = PairKind::Genuine;
constexpr auto kImpostor = PairKind::Impostor;

/// Every two photos of `person_count` people with two photos each.
std::vector<PersonPair> all_pairs(uint32_t person_count) {
  std::vector<PersonPair> pairs;
  for (uint32_t a = 0; a < 2 * person_count; ++a) {
    for (uint32_t b = a + 1; b < 2 * person_count; ++b) {
      pairs.push_back({a / 2, b / 2, a / 2 == b / 2 ? kGenuine : kImpostor});
    }
  }
  return pairs;
}

std::vector<float> noisy_similarities(std::span<const PersonPair> pairs, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 0.15F);
  std::vector<float> similarities;
  for (const PersonPair& pair : pairs) {
    similarities.push_back((pair.kind == kGenuine ? 0.5F : 0.2F) + noise(random));
  }
  return similarities;
}

TEST(PersonBootstrap, WhatWasMeasuredIsTheCurveOfThePairsThemselves) {
  const std::vector<PersonPair> pairs{{0, 0, kGenuine}, {1, 1, kGenuine}, {0, 1, kImpostor}};
  const PersonBootstrap bootstrap(pairs, 2, {.draw_count = 20, .false_match_rates = {0.5}});
  // The genuine 0.9 beats the impostor's 0.5, the genuine one that failed does not.
  const auto curve = bootstrap.summarize(std::vector{0.9F, kFailedComparison, 0.5F}, {}).value();
  EXPECT_DOUBLE_EQ(curve.measured.auc, 0.5);
  EXPECT_DOUBLE_EQ(curve.measured.true_accept_rates[0], 0.5);
}

// Of two people both must be drawn for there to be an impostor pair: half of the draws are left
// out (2 of 4), and in the others each was drawn once.
TEST(PersonBootstrap, ADrawWithoutImpostorsIsLeftOut) {
  const std::vector<PersonPair> pairs{{0, 0, kGenuine}, {1, 1, kGenuine}, {0, 1, kImpostor}};
  const PersonBootstrap bootstrap(pairs, 2, {.draw_count = 1000});
  const auto curve = bootstrap.summarize(std::vector{0.9F, 0.1F, 0.5F}, {}).value();
  EXPECT_NEAR(static_cast<double>(curve.draws.size()), 500, 80);  // five standard deviations
  for (const CurveSummary& draw : curve.draws) EXPECT_DOUBLE_EQ(draw.auc, 0.5);
}

TEST(PersonBootstrap, TheSameSeedDrawsTheSamePeopleForEveryModel) {
  const auto pairs = all_pairs(12);
  const auto similarities = noisy_similarities(pairs, 1);
  const PersonBootstrap bootstrap(pairs, 12, {.seed = 7, .draw_count = 50});
  const auto one = bootstrap.summarize(similarities, {}).value();
  const auto again = bootstrap.summarize(similarities, {}).value();
  const PersonBootstrap other(pairs, 12, {.seed = 8, .draw_count = 50});
  const auto different = other.summarize(similarities, {}).value();
  bool any_differs = false;
  for (size_t k = 0; k < one.draws.size(); ++k) {
    EXPECT_EQ(one.draws[k].auc, again.draws[k].auc);
    any_differs = any_differs || one.draws[k].auc != different.draws[k].auc;
  }
  EXPECT_TRUE(any_differs);
}

// Of 40 sets of 30 people the true area, that of 3000 other people, should lie in 38 intervals of
// 95 %; percentile intervals of 30 people are known to be somewhat short.
TEST(PersonBootstrap, AnIntervalOf95PercentHoldsTheTruthAboutThatOften) {
  // Normal similarities with means 0.5 and 0.2 and deviation 0.15 each: area = Phi(0.3 / 0.2121).
  const double truth = 0.5 * std::erfc(-0.3 / (0.15 * std::sqrt(2.0)) / std::sqrt(2.0));
  const auto pairs = all_pairs(30);
  int hit_count = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const PersonBootstrap bootstrap(pairs, 30, {.seed = seed, .draw_count = 200});
    const auto curve = bootstrap.summarize(noisy_similarities(pairs, seed), {}).value();
    if (!intervals_of(curve).auc.excludes(truth)) ++hit_count;
  }
  EXPECT_GE(hit_count, 34);
}

TEST(PersonBootstrap, AStopEndsIt) {
  const auto pairs = all_pairs(3);
  std::stop_source source;
  source.request_stop();
  const PersonBootstrap bootstrap(pairs, 3, {});
  const auto curve = bootstrap.summarize(noisy_similarities(pairs, 1), source.get_token());
  ASSERT_FALSE(curve.has_value());
  EXPECT_EQ(curve.error().code, ErrorCode::Cancelled);
}

// numpy.percentile([1, 2, 3, 4, 5], [10, 90]) = 1.4, 4.6.
TEST(PercentileInterval, LiesLinearlyBetweenTwoNumbers) {
  const Interval interval = percentile_interval({5, 1, 4, 2, 3}, 0.8);
  EXPECT_DOUBLE_EQ(interval.low, 1.4);
  EXPECT_DOUBLE_EQ(interval.high, 4.6);
  EXPECT_DOUBLE_EQ(percentile_interval({3}).low, 3);
}

}  // namespace
}  // namespace faceforge::evaluate
