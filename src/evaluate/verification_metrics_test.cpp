#include "evaluate/verification_metrics.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

constexpr auto kGenuine = PairKind::Genuine;
constexpr auto kImpostor = PairKind::Impostor;

TEST(Threshold, SeparableKindsAreCutHalfwayBetweenThem) {
  const std::vector<ComparedPair> pairs{
      {0.9F, kGenuine}, {0.7F, kGenuine}, {0.3F, kImpostor}, {0.1F, kImpostor}};
  EXPECT_FLOAT_EQ(most_accurate_threshold(pairs), 0.5F);
  EXPECT_EQ(accuracy_at(pairs, 0.5F), 1);
}

TEST(Threshold, APairAtTheThresholdIsAMatch) {
  const std::vector<ComparedPair> pairs{{0.5F, kGenuine}, {0.5F, kImpostor}};
  EXPECT_EQ(accuracy_at(pairs, 0.5F), 0.5);
  EXPECT_EQ(accuracy_at(std::vector<ComparedPair>{{0.5F, kGenuine}}, 0.5F), 1);
}

// Right answers when the first k of (0.9 G, 0.8 I, 0.7 G, 0.6 I) are accepted: 2, 3, 2, 3, 2.
// The cuts after one and after three pairs are equally good; the middle one of the two (the later
// by convention) lies between 0.7 and 0.6.
TEST(Threshold, OfEquallyGoodPlacesTheMiddleOneIsTaken) {
  const std::vector<ComparedPair> pairs{
      {0.9F, kGenuine}, {0.8F, kImpostor}, {0.7F, kGenuine}, {0.6F, kImpostor}};
  EXPECT_FLOAT_EQ(most_accurate_threshold(pairs), 0.65F);
}

TEST(Threshold, EqualSimilaritiesAreNeverTornApart) {
  const std::vector<ComparedPair> pairs{
      {0.5F, kGenuine}, {0.5F, kGenuine}, {0.5F, kImpostor}, {0.2F, kImpostor}};
  EXPECT_FLOAT_EQ(most_accurate_threshold(pairs), 0.35F);
  const std::vector<ComparedPair> hopeless{{0.5F, kImpostor}, {0.4F, kImpostor}};
  EXPECT_EQ(accuracy_at(hopeless, most_accurate_threshold(hopeless)), 1);
}

// 1000 impostors at 0.000, 0.001, ... 0.999 and 10 genuine pairs at 0.05, 0.15, ... 0.95.
// At FMR 0.01 ten impostors may pass: 0.990 and above do, 0.989 does not; no genuine pair does.
// At FMR 0.3: 0.700 and above pass, so 0.75, 0.85 and 0.95 of the ten.
TEST(Roc, TarAtAnFmrLetsExactlyThatShareOfImpostorsIn) {
  std::vector<ComparedPair> pairs;
  for (int i = 0; i < 1000; ++i) pairs.push_back({static_cast<float>(i) / 1000, kImpostor});
  for (int i = 0; i < 10; ++i) pairs.push_back({0.05F + static_cast<float>(i) / 10, kGenuine});
  const OperatingPoint strict = tar_at_fmr(pairs, 0.01);
  EXPECT_GT(strict.match_threshold, 0.989F);
  EXPECT_LE(strict.match_threshold, 0.990F);
  EXPECT_EQ(strict.true_accept_rate, 0);
  const OperatingPoint loose = tar_at_fmr(pairs, 0.3);
  EXPECT_NEAR(loose.match_threshold, 0.6995, 0.0006);
  EXPECT_DOUBLE_EQ(loose.true_accept_rate, 0.3);
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 1).true_accept_rate, 1);
}

TEST(Roc, OneInAThousandOfThreeThousandIsThreeAndNotTwo) {
  std::vector<ComparedPair> pairs{{0.5F, kGenuine}};
  for (int i = 0; i < 3000; ++i) pairs.push_back({static_cast<float>(i) / 3000, kImpostor});
  const float match_threshold = tar_at_fmr(pairs, 0.001).match_threshold;
  EXPECT_EQ(
      std::ranges::count_if(
          pairs, [&](const ComparedPair& pair) { return pair.similarity >= match_threshold; }),
      3);
}

// Fold 0: genuine 0.8, impostor 0.2. Fold 1: genuine 0.6, impostor 0.4. Fold 2: genuine 0.3,
// impostor 0.1. Threshold for fold 0 from the others (0.6 G 0.4 I 0.3 G 0.1 I): cuts after one and
// after three are equal, the later is (0.3+0.1)/2 = 0.2: fold 0's impostor at 0.2 passes, 1/2.
// For fold 1 from (0.8 G 0.3 G 0.2 I 0.1 I): 0.25: the impostor at 0.4 passes, 1/2.
// For fold 2 from (0.8 G 0.6 G 0.4 I 0.2 I): 0.5: the genuine pair at 0.3 fails, 1/2... but its
// impostor is right: 1/2. Mean 0.5, deviation 0.
TEST(Folds, AFoldsThresholdComesFromTheOtherFoldsOnly) {
  const std::vector<ComparedPair> pairs{{0.8F, kGenuine, 0}, {0.2F, kImpostor, 0},
                                        {0.6F, kGenuine, 1}, {0.4F, kImpostor, 1},
                                        {0.3F, kGenuine, 2}, {0.1F, kImpostor, 2}};
  const auto metrics = measure_verification(pairs, 3, std::vector{0.5}).value();
  ASSERT_EQ(metrics.folds.size(), 3);
  EXPECT_FLOAT_EQ(metrics.folds[0].match_threshold, 0.2F);
  EXPECT_FLOAT_EQ(metrics.folds[1].match_threshold, 0.25F);
  EXPECT_FLOAT_EQ(metrics.folds[2].match_threshold, 0.5F);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(metrics.accuracy_std, 0);
  // One of three impostors may pass at 0.5: the threshold is just over 0.2, every genuine passes.
  EXPECT_DOUBLE_EQ(metrics.operating_points[0].true_accept_rate, 1);
}

// Accuracies 1 and 0.5: mean 0.75, deviation (divided by n) 0.25.
TEST(Folds, TheDeviationOverFoldsIsDividedByTheirNumber) {
  const std::vector<ComparedPair> pairs{
      {0.8F, kGenuine, 0}, {0.2F, kImpostor, 0}, {0.6F, kGenuine, 1}, {0.55F, kImpostor, 1}};
  const auto metrics = measure_verification(pairs, 2, std::vector<double>{}).value();
  EXPECT_DOUBLE_EQ(metrics.folds[0].accuracy, 1);    // threshold 0.575
  EXPECT_DOUBLE_EQ(metrics.folds[1].accuracy, 0.5);  // threshold 0.5
  EXPECT_DOUBLE_EQ(metrics.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(metrics.accuracy_std, 0.25);
}

TEST(Folds, OneFoldOrAFoldWithoutAKindIsRefused) {
  const std::vector<ComparedPair> pairs{
      {0.8F, kGenuine, 0}, {0.2F, kImpostor, 0}, {0.6F, kGenuine, 1}};
  EXPECT_EQ(measure_verification(pairs, 1, {}).error().reason, "too_few_folds");
  EXPECT_EQ(measure_verification(pairs, 2, {}).error().reason, "pair_kind_missing");
}

}  // namespace
}  // namespace faceforge::evaluate
