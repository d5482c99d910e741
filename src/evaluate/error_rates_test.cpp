#include "evaluate/error_rates.h"

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

constexpr auto kGenuine = PairKind::Genuine;
constexpr auto kImpostor = PairKind::Impostor;

/// 1000 impostors at 0, 1/1024, .. 999/1024 and ten genuine comparisons at 0, 1/8, .. 9/8, the last
/// one counted at 1.
ComparisonCounts thousand_impostors() {
  ComparisonCounts counts;
  for (int i = 0; i < 1000; ++i) counts.add(kImpostor, static_cast<float>(i) / 1024);
  for (int i = 0; i < 10; ++i) counts.add(kGenuine, static_cast<float>(i) / 8);
  return counts;
}

// At FMR 0.1 a hundred impostors may match: those from 900/1024 = 0.879 on; 0.875 does not, so that
// of the genuine ones 8/8 and 9/8 match and eight do not. At 0.01 ten: from 990/1024 = 0.967 on.
// At 0.001 one error is expected, which measures nothing.
TEST(FnmrAtFmr, IsTheShareOfGenuineComparisonsBelowTheThreshold) {
  const auto rates = fnmr_at_fmr(thousand_impostors());
  ASSERT_EQ(rates.size(), 6);
  const auto& tenth = rates[0].measured.value();
  EXPECT_FLOAT_EQ(tenth.match_threshold, 899.0F / 1024 + 1.0F / 65536);
  EXPECT_EQ(tenth.false_matches.error_count, 100);
  EXPECT_EQ(tenth.false_matches.trial_count, 1000);
  EXPECT_EQ(tenth.false_non_matches.error_count, 8);
  EXPECT_EQ(tenth.false_non_matches.trial_count, 10);
  EXPECT_EQ(rates[1].measured.value().false_matches.error_count, 10);
  for (size_t rarer = 2; rarer < rates.size(); ++rarer) EXPECT_FALSE(rates[rarer].measured);
  EXPECT_EQ(rarest_measured(rates).value().false_match_rate, 1e-2);
  EXPECT_FALSE(rarest_measured(std::span(rates).subspan(2)));
}

// Ten more genuine comparisons failed: 18 of 20 are errors. A thousand failed impostor comparisons
// make twice as many errors allowed: 200 of 2000.
TEST(FnmrAtFmr, AFailureToAcquireIsANonMatchAtEveryThreshold) {
  ComparisonCounts counts = thousand_impostors();
  counts.add_failures(kGenuine, 10);
  EXPECT_EQ(fnmr_at_fmr(counts)[0].measured.value().false_non_matches.error_count, 18);
  EXPECT_EQ(counts.false_non_matches(-1).error_count, 10);
  counts.add_failures(kImpostor, 1000);
  const auto measured = fnmr_at_fmr(counts)[0].measured.value();
  EXPECT_EQ(measured.false_matches.error_count, 200);
  EXPECT_EQ(measured.false_matches.trial_count, 2000);
}

// Genuine 3/4 and 1/4, impostors 1/2 and 0. Falling thresholds: 3/4 accepts one genuine, 1/2 one
// impostor, 1/4 the other genuine, 0 the other impostor.
TEST(DetCurve, EveryVisibleStepIsAPoint) {
  ComparisonCounts counts;
  for (const float similarity : {0.75F, 0.25F}) counts.add(kGenuine, similarity);
  for (const float similarity : {0.5F, 0.0F}) counts.add(kImpostor, similarity);
  const auto points = det_curve(counts);
  ASSERT_EQ(points.size(), 4);
  const std::vector<CurvePoint> expected{
      {0.75F, 0, 0.5}, {0.5F, 0.5, 0.5}, {0.25F, 0.5, 0}, {0.0F, 1, 0}};
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].match_threshold, expected[i].match_threshold);
    EXPECT_DOUBLE_EQ(points[i].false_match_rate, expected[i].false_match_rate);
    EXPECT_DOUBLE_EQ(points[i].false_non_match_rate, expected[i].false_non_match_rate);
  }
  // The genuine 3/4 beats both impostors, 1/4 beats one: 3 of 4.
  EXPECT_DOUBLE_EQ(summarize(counts, {}).auc, 0.75);
  EXPECT_DOUBLE_EQ(summarize(counts, {}).equal_error_rate, 0.5);
}

TEST(DetCurve, AHundredThousandSimilaritiesAreAFewHundredPoints) {
  ComparisonCounts counts;
  for (int i = 0; i < 100'000; ++i) {
    counts.add(kImpostor, static_cast<float>(i % 60'000) / 65'536);
    counts.add(kGenuine, static_cast<float>(i % 60'000) / 65'536);
  }
  const auto points = det_curve(counts);
  EXPECT_GT(points.size(), 100);
  EXPECT_LT(points.size(), 2000);
  EXPECT_EQ(points.back().false_match_rate, 1);
  EXPECT_EQ(points.back().false_non_match_rate, 0);
}

TEST(PlotBins, LieSideBySideAndHoldEverySimilarity) {
  ComparisonCounts counts;
  counts.add(kGenuine, 0.5F);
  counts.add(kGenuine, 0.51F);  // of the same 64th, which ends at 0.515625
  counts.add(kImpostor, 0.45F);
  counts.add_failures(kGenuine, 3);
  const auto bins = plot_bins(counts);
  ASSERT_EQ(bins.size(), 5);  // from 28/64 to 33/64
  EXPECT_EQ(bins.front().low, 28.0 / 64);
  EXPECT_EQ(bins.front().impostor_count, 1);
  EXPECT_EQ(bins[2].impostor_count + bins[2].genuine_count, 0);
  EXPECT_EQ(bins.back().low, 0.5);
  EXPECT_EQ(bins.back().genuine_count, 2);
  for (size_t i = 1; i < bins.size(); ++i) EXPECT_EQ(bins[i].low, bins[i - 1].high);
}

}  // namespace
}  // namespace faceforge::evaluate
