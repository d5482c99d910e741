#include "gallery/match_policy.h"

#include <cmath>

#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

/// Rates fall tenfold as similarity rises by 0.1; the tail goes on alike:
/// ln FMR = -10 ln 10 * t, so that t = 0.1 at 1e-1, 0.2 at 1e-2, 0.3 at 1e-3.
face::Calibration tenfold() {
  face::Calibration calibration;
  calibration.model_id = face::ModelId("m");
  calibration.points = {{1e-1, 0.1F}, {1e-2, 0.2F}, {1e-3, 0.3F}};
  calibration.tail_slope = -10 * std::log(10.0);
  calibration.ambiguity_margin = 0.05F;
  return calibration;
}

Candidate candidate(float similarity) {
  return {.person = "p", .similarity = similarity};
}

TEST(MatchThreshold, AMeasuredRateHasItsMeasuredSimilarity) {
  for (const auto& point : tenfold().points) {
    const auto found = match_threshold(tenfold(), point.false_match_rate);
    ASSERT_TRUE(found);
    EXPECT_FLOAT_EQ(found->similarity, point.match_threshold);
    EXPECT_FALSE(found->extrapolated);
    EXPECT_EQ(found->false_match_rate, point.false_match_rate);
  }
}

TEST(MatchThreshold, BetweenMeasuredRatesTheSimilarityIsLinearInTheLogarithm) {
  // Half way between 1e-2 and 1e-3 in the logarithm: 10^-2.5.
  const auto found = match_threshold(tenfold(), std::pow(10, -2.5));
  EXPECT_FLOAT_EQ(found->similarity, 0.25F);
  EXPECT_FALSE(found->extrapolated);
}

TEST(MatchPolicy, HowOftenAStrangerIsSoSimilarIsTheThresholdReadBackwards) {
  const auto policy = MatchPolicy::create(tenfold());
  ASSERT_TRUE(policy);
  EXPECT_NEAR(policy->stranger_rate(0.2F), 1e-2, 1e-8);
  EXPECT_NEAR(policy->stranger_rate(0.25F), std::pow(10, -2.5), 1e-8);
  EXPECT_NEAR(policy->stranger_rate(0.6F), 1e-6, 1e-11) << "on the tail";
  EXPECT_EQ(policy->stranger_rate(0.1F), 1e-1) << "the most lenient measured point";
  EXPECT_EQ(policy->stranger_rate(0.0999F), 1) << "less similar than what was measured";
  EXPECT_EQ(policy->stranger_rate(-1), 1) << "everyone is at least that similar";
  for (const double rate : {3e-2, 5e-3, 2e-5}) {
    EXPECT_NEAR(policy->stranger_rate(match_threshold(tenfold(), rate)->similarity) / rate, 1,
                1e-4);
  }
}

TEST(FalsePositiveIdentificationRate, IsThatOfAnyOfThePeople) {
  // By hand: 1 - 0.9^3 = 0.271; and back again.
  EXPECT_NEAR(false_positive_identification_rate_of(0.1, 3), 0.271, 1e-12);
  EXPECT_NEAR(false_positive_identification_rate_of(false_match_rate_for(1e-2, 5000), 5000), 1e-2,
              1e-12);
}

TEST(MatchThreshold, BeyondWhatWasMeasuredTheTailAnswersAndSaysSo) {
  const auto found = match_threshold(tenfold(), 1e-6);
  EXPECT_FLOAT_EQ(found->similarity, 0.6F);
  EXPECT_TRUE(found->extrapolated);
}

TEST(MatchThreshold, ACurvedTailIsSolvedOnTheSideWhereItFalls) {
  auto calibration = tenfold();
  // ln FMR = 1 - 2 t - 40 t^2 is 1 - 1 - 10 = -10 at t = 0.5.
  calibration.tail_intercept = 1;
  calibration.tail_slope = -2;
  calibration.tail_curvature = -40;
  EXPECT_FLOAT_EQ(match_threshold(calibration, std::exp(-10))->similarity, 0.5F);
  // ln FMR = -40 t + 20 t^2 is -15 at t = 0.5 and falls until t = 1, where it is -20.
  calibration.tail_intercept = 0;
  calibration.tail_slope = -40;
  calibration.tail_curvature = 20;
  EXPECT_FLOAT_EQ(match_threshold(calibration, std::exp(-15))->similarity, 0.5F);
  // A rate that this tail never reaches cannot be promised by anything under identity.
  EXPECT_EQ(match_threshold(calibration, 1e-9)->similarity, 1);
}

TEST(MatchThreshold, ATailNeverAnswersBelowTheLastMeasuredPoint) {
  auto calibration = tenfold();
  calibration.tail_intercept = -5;  // at 1e-4 it would say 0.18
  EXPECT_FLOAT_EQ(match_threshold(calibration, 1e-4)->similarity, 0.3F);
}

TEST(MatchThreshold, ARateMoreFrequentThanMeasuredGetsTheMostLenientMeasuredPoint) {
  const auto found = match_threshold(tenfold(), 0.4);
  EXPECT_FLOAT_EQ(found->similarity, 0.1F);
  EXPECT_FALSE(found->extrapolated);
}

TEST(MatchThreshold, WithoutAUsableTableThereIsNoPromise) {
  EXPECT_EQ(match_threshold({}, 1e-4).error().reason, "pack_not_calibrated");
  auto upside_down = tenfold();
  std::swap(upside_down.points[0], upside_down.points[1]);
  EXPECT_EQ(match_threshold(upside_down, 1e-4).error().reason, "pack_not_calibrated");
  EXPECT_EQ(MatchPolicy::create(std::nullopt).error().reason, "pack_not_calibrated");
}

TEST(FalseMatchRate, KeepsTheFpirOverAllPeople) {
  // By hand: with one person both rates are the same; with N, 1 - (1 - FMR)^N is the FPIR again.
  EXPECT_DOUBLE_EQ(false_match_rate_for(0.01, 1), 0.01);
  for (const size_t people : {2U, 100U, 1'000'000U}) {
    const double rate = false_match_rate_for(0.01, people);
    EXPECT_NEAR(1 - std::pow(1 - rate, static_cast<double>(people)), 0.01, 1e-8);
  }
  EXPECT_DOUBLE_EQ(false_match_rate_for(0.01, 0), 0.01);
}

TEST(MatchPolicy, TheIdentificationThresholdRisesAsPeopleAreAdded) {
  const auto policy = MatchPolicy::create(tenfold());
  ASSERT_TRUE(policy);
  EXPECT_FLOAT_EQ(policy->verification_threshold().similarity, 0.4F);  // FMR 1e-4
  EXPECT_FLOAT_EQ(policy->identification_threshold(1).similarity, 0.2F);
  // 1 - 0.99^(1/100) = 1.00499e-4: t = -log10(1.00499e-4) / 10.
  EXPECT_NEAR(policy->identification_threshold(100).similarity, 0.39978, 1e-5);
  EXPECT_FALSE(policy->identification_threshold(1).extrapolated);
  EXPECT_TRUE(policy->identification_threshold(100).extrapolated);
}

TEST(MatchPolicy, RatesOutOfRangeAreRefusedByName) {
  for (const double rate : {0.0, -1.0, 1e-10, 0.51, 1.0, double{NAN}, double{INFINITY}}) {
    const auto verification = MatchPolicy::create(tenfold(), {.false_match_rate = rate});
    ASSERT_FALSE(verification) << rate;
    EXPECT_EQ(verification.error().reason, "false_match_rate_out_of_range");
    const auto identification =
        MatchPolicy::create(tenfold(), {.false_positive_identification_rate = rate});
    ASSERT_FALSE(identification) << rate;
    EXPECT_EQ(identification.error().reason, "false_positive_identification_rate_out_of_range");
  }
}

TEST(Decide, OneToOneMatchesFromTheThresholdOn) {
  const auto policy = MatchPolicy::create(tenfold(), {.false_match_rate = 1e-2});
  ASSERT_TRUE(policy);
  EXPECT_EQ(decide(0.2F, *policy).verdict, Verdict::Match);
  EXPECT_EQ(decide(0.1999F, *policy).verdict, Verdict::Unknown);
  EXPECT_EQ(decide(0.2F, *policy).match_threshold.false_match_rate, 1e-2);
}

TEST(Decide, NobodyPassingIsUnknownAndSoIsAnEmptyGallery) {
  const auto policy = MatchPolicy::create(tenfold());
  EXPECT_EQ(decide(std::span<const Candidate>(), *policy, 0).verdict, Verdict::Unknown);
  const std::vector<Candidate> low{candidate(0.19F), candidate(0.18F)};
  EXPECT_EQ(decide(low, *policy, 1).verdict, Verdict::Unknown);
}

TEST(Decide, ASecondPersonWithinTheMarginMakesTheVerdictAmbiguous) {
  const auto policy = MatchPolicy::create(tenfold());
  const std::vector<Candidate> close{candidate(0.5F), candidate(0.46F)};
  EXPECT_EQ(decide(close, *policy, 1).verdict, Verdict::Ambiguous);
}

TEST(Decide, ASecondPersonBeyondTheMarginOrBelowTheThresholdLeavesAMatch) {
  const auto policy = MatchPolicy::create(tenfold());
  const std::vector<Candidate> far{candidate(0.5F), candidate(0.44F)};
  EXPECT_EQ(decide(far, *policy, 1).verdict, Verdict::Match);
  const std::vector<Candidate> below{candidate(0.21F), candidate(0.19F)};
  EXPECT_EQ(decide(below, *policy, 1).verdict, Verdict::Match);
  const std::vector<Candidate> alone{candidate(0.21F)};
  EXPECT_EQ(decide(alone, *policy, 1).verdict, Verdict::Match);
}

TEST(Verdict, HasAWordEach) {
  EXPECT_EQ(to_string(Verdict::Match), "match");
  EXPECT_EQ(to_string(Verdict::Ambiguous), "ambiguous");
  EXPECT_EQ(to_string(Verdict::Unknown), "unknown");
}

}  // namespace
}  // namespace faceforge::gallery
