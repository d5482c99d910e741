#include "base/operating_curve.h"

#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace faceforge {
namespace {

struct Weights {
  double genuine = 0;
  double impostor = 0;
};

/// Similarity to what lies there, falling.
using Similarities = std::map<double, Weights, std::greater<>>;

/// 40 genuine and 120 impostor similarities in steps of 1/1024, many of them equal; the i-th of all
/// weighs 1 + i % `weight_count`.
Similarities made_similarities(int weight_count) {
  const auto rounded = [](double x) { return std::nearbyint(x * 1024) / 1024; };
  Similarities all;
  for (int i = 0; i < 160; ++i) {
    const double weight = 1 + i % weight_count;
    if (i < 40) {
      all[rounded((i * 37) % 101 / 128.0 + 0.25)].genuine += weight;
    } else {
      all[rounded(((i - 40) * 53) % 97 / 128.0 - 0.1)].impostor += weight;
    }
  }
  return all;
}

CurveSummary walk(const Similarities& similarities, Weights failed = {}) {
  Weights total = failed;
  for (const auto& [similarity, weights] : similarities) {
    total.genuine += weights.genuine;
    total.impostor += weights.impostor;
  }
  CurveWalk curve(total.genuine, total.impostor, std::array{0.1, 0.05});
  for (const auto& [similarity, weights] : similarities) {
    curve.step(weights.genuine, weights.impostor);
  }
  return curve.finish();
}

/// The same, without weights, as two lists in the order they were made in.
CurveSummary summarize_made(std::span<const double> false_match_rates) {
  std::vector<float> genuine;
  std::vector<float> impostor;
  for (const auto& [similarity, weights] : made_similarities(1)) {
    genuine.insert(genuine.begin(), static_cast<size_t>(weights.genuine),
                   static_cast<float>(similarity));
    impostor.insert(impostor.begin(), static_cast<size_t>(weights.impostor),
                    static_cast<float>(similarity));
  }
  return summarize_curve(genuine, impostor, false_match_rates);
}

// scikit-learn 1.2.1: roc_auc_score; the EER by scipy's brentq on the interpolated roc_curve; the
// TAR is that of the last point of roc_curve whose FMR is small enough.
TEST(OperatingCurve, AreaEqualErrorRateAndTarAreThoseOfScikitLearn) {
  for (const CurveSummary& curve :
       {walk(made_similarities(1)), summarize_made(std::array{0.1, 0.05})}) {
    EXPECT_NEAR(curve.auc, 0.86125, 1e-12);
    EXPECT_NEAR(curve.equal_error_rate, 0.26666666666666616, 1e-12);
    EXPECT_DOUBLE_EQ(curve.true_accept_rates[0], 0.575);
    EXPECT_DOUBLE_EQ(curve.true_accept_rates[1], 0.55);
  }
}

TEST(OperatingCurve, WeightsCountAsScikitLearnsSampleWeightsDo) {
  const CurveSummary curve = walk(made_similarities(3));
  EXPECT_NEAR(curve.auc, 0.8745253164556961, 1e-12);
  EXPECT_NEAR(curve.equal_error_rate, 0.2531645569620253, 1e-12);
  EXPECT_NEAR(curve.true_accept_rates[0], 0.620253164556962, 1e-12);
}

TEST(OperatingCurve, SeparatedKindsHaveNoErrors) {
  const CurveSummary curve = walk({{0.8, {3, 0}}, {0.1, {0, 5}}});
  EXPECT_DOUBLE_EQ(curve.auc, 1);
  EXPECT_DOUBLE_EQ(curve.equal_error_rate, 0);
  EXPECT_DOUBLE_EQ(curve.true_accept_rates[1], 1);
}

// One of four genuine comparisons failed: FNMR is at least 1/4, and FMR = FNMR on the line from
// (0, 1/4), where all others are accepted, to (1, 0): at x = (1 - x) / 4, so x = 1/5.
TEST(OperatingCurve, AComparisonThatFailedIsAnErrorAtEveryThreshold) {
  const CurveSummary curve = walk({{0.8, {3, 0}}}, {1, 5});
  EXPECT_DOUBLE_EQ(curve.equal_error_rate, 0.2);
  EXPECT_DOUBLE_EQ(curve.true_accept_rates[0], 0.75);
  EXPECT_DOUBLE_EQ(curve.auc, (3 * 5 + 0.5 * 5) / 20);
}

// Everything equally similar: accepted all or none, and chance is on the diagonal.
TEST(OperatingCurve, EqualSimilaritiesAreAcceptedTogether) {
  const CurveSummary curve = walk({{0.5, {4, 7}}});
  EXPECT_DOUBLE_EQ(curve.auc, 0.5);
  EXPECT_DOUBLE_EQ(curve.equal_error_rate, 0.5);
  EXPECT_DOUBLE_EQ(curve.true_accept_rates[0], 0);
}

// Genuine 0.9 0.6 0.4, impostors 0.5 0.4 0.1. Of the nine comparisons: 0.9 wins 3, 0.6 wins 3, 0.4
// loses to 0.5, ties with 0.4 (a half) and beats 0.1: 7.5 / 9.
TEST(OperatingCurve, TheAreaCountsHowOftenGenuineBeatsImpostor) {
  EXPECT_DOUBLE_EQ(summarize_curve({0.4F, 0.9F, 0.6F}, {0.1F, 0.5F, 0.4F}, {}).auc, 7.5 / 9);
}

// scikit-learn's documentation of roc_auc_score: y = 0 0 1 1, scores 0.1 0.4 0.35 0.8: 0.75.
TEST(OperatingCurve, TheAreaAgreesWithTheExampleOfScikitLearn) {
  EXPECT_DOUBLE_EQ(summarize_curve({0.35F, 0.8F}, {0.1F, 0.4F}, {}).auc, 0.75);
}

// Each genuine similarity against each impostor one, many of them equal.
TEST(OperatingCurve, TheAreaIsWhatComparingEachWithEachGives) {
  std::mt19937 random(3);
  std::vector<float> genuine(200);
  std::vector<float> impostor(300);
  for (float& similarity : genuine) similarity = static_cast<float>(random() % 10) / 10;
  for (float& similarity : impostor) similarity = static_cast<float>(random() % 16) / 10 - 0.8F;
  double wins = 0;
  for (const float one : genuine) {
    for (const float other : impostor) wins += one > other ? 1 : one == other ? 0.5 : 0;
  }
  EXPECT_NEAR(summarize_curve(genuine, impostor, {}).auc, wins / (200 * 300), 1e-12);
}

// Of the ten impostors 0, 0.1, .. 0.9 one may match at FMR 0.1, so that the threshold lies above
// 0.8: of the genuine ones 0.95 and 0.85 match.
TEST(OperatingCurve, ATarIsTakenAtTheLowestThresholdThatKeepsThePromise) {
  std::vector<float> impostor;
  for (int i = 0; i < 10; ++i) impostor.push_back(static_cast<float>(i) / 10);
  const CurveSummary curve =
      summarize_curve({0.5F, 0.95F, 0.2F, 0.85F}, impostor, std::array{0.0, 0.1, 0.19, 0.5, 1.0});
  EXPECT_EQ(curve.true_accept_rates, (std::vector{0.25, 0.5, 0.5, 0.75, 1.0}));
}

}  // namespace
}  // namespace faceforge
