#include "evaluate/binomial_interval.h"

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

// scipy 1.10.1: beta.ppf(a / 2, k, n - k + 1) and beta.ppf(1 - a / 2, k + 1, n - k).
TEST(BinomialInterval, IsThatOfTheBetaQuantilesOfScipy) {
  const auto expect = [](int64_t errors, int64_t trials, double confidence, Interval expected) {
    const Interval interval = binomial_interval(errors, trials, confidence);
    EXPECT_NEAR(interval.low, expected.low, 1e-12) << errors << " of " << trials;
    EXPECT_NEAR(interval.high, expected.high, 1e-12) << errors << " of " << trials;
  };
  expect(0, 100, 0.95, {0, 0.03621669264517641});
  expect(3, 1000, 0.95, {0.0006190999316495715, 0.008742023238478303});
  expect(10, 10, 0.95, {0.6915028921812392, 1});
  expect(7, 200, 0.95, {0.014185525898419248, 0.0707809983509772});
  expect(7, 200, 0.99, {0.010289183813943588, 0.08351637307554176});
}

TEST(BinomialInterval, NoTrialsSayNothing) {
  EXPECT_EQ(binomial_interval(0, 0).low, 0);
  EXPECT_EQ(binomial_interval(0, 0).high, 1);
  EXPECT_EQ(CountedRate{}.rate(), 0);
  EXPECT_DOUBLE_EQ((CountedRate{1, 8}.rate()), 0.125);
}

// 0.95 = 1 - (1 - p)^300 at p = 0.00994.
TEST(BinomialInterval, NoErrorInThreeHundredIsUnderOnePercent) {
  EXPECT_DOUBLE_EQ(rule_of_three(300), 0.01);
  EXPECT_EQ(rule_of_three(2), 1);
}

TEST(Measurable, IsARateBehindWhichTenErrorsAreExpected) {
  EXPECT_TRUE(is_measurable(0.01, 1000));
  EXPECT_FALSE(is_measurable(0.01, 999));
  EXPECT_FALSE(is_measurable(1e-6, 0));
  EXPECT_EQ(allowed_errors(0.001, 3000), 3);
  EXPECT_EQ(allowed_errors(2, 5), 5);
}

}  // namespace
}  // namespace faceforge::evaluate
