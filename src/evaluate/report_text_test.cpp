#include "evaluate/report_text.h"

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

TEST(ReportText, ARateHasTheDigitsThatTellSomething) {
  EXPECT_EQ(rate_text(0.0), "0.0 %");
  EXPECT_EQ(rate_text(0.1234), "12.3 %");
  EXPECT_EQ(rate_text(0.01234), "1.23 %");
  EXPECT_EQ(rate_text(0.0001234), "0.012 %");
  EXPECT_EQ(rate_text(1.0), "100.0 %");
}

TEST(ReportText, CountsAreGroupedByThousandsAndPromisesAreAsPeopleWriteThem) {
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'117'644), "1\u00a0117\u00a0644");
  EXPECT_EQ(promise_text(0.1), "0.1");
  EXPECT_EQ(promise_text(3e-3), "0.003");
  EXPECT_EQ(promise_text(1e-4), "1e-4");
  EXPECT_EQ(promise_text(2.5e-6), "2.5e-6");
}

// The interval of 7 in 200 is 0.01419 to 0.07078 (binomial_interval_test.cpp).
TEST(ReportText, ACountedRateComesWithItsIntervalAndNoErrorsWithTheRuleOfThree) {
  EXPECT_EQ(rate_text(CountedRate{7, 200}), "3.50 % (1.42 to 7.08 %)");
  EXPECT_EQ(rate_text(CountedRate{0, 300}), "0 of 300 (below 1.00 %)");
  EXPECT_EQ(rate_text(CountedRate{}), "no trials");
}

}  // namespace
}  // namespace faceforge::evaluate
