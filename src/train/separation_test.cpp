#include "train/separation.h"

#include <utility>

#include <gtest/gtest.h>

namespace faceforge::train {
namespace {

// 1000 impostors at 0, 0.001, .. 0.999. At FMR 0.1 those from 0.9 on may pass, 0.899 may not; at
// 0.01 those from 0.99 on; at 0.001 the last one. 0.95 beats 950 of them and ties with one, and so
// on: (950.5 + 900.5 + 500.5 + 200.5) / 4000, less what float rounding does to a tie.
TEST(Separation, RatesAreTakenAtTheLowestThresholdThatKeepsThePromise) {
  PairSimilarities pairs{.genuine = {0.95F, 0.9F, 0.5F, 0.2F}, .impostor = {}};
  for (int i = 0; i < 1000; ++i) pairs.impostor.push_back(static_cast<float>(i) / 1000);
  const Separation separation = separation_of(std::move(pairs));
  EXPECT_EQ(separation.genuine_pair_count, 4u);
  EXPECT_EQ(separation.impostor_pair_count, 1000u);
  EXPECT_NEAR(separation.auc, (950.5 + 900.5 + 500.5 + 200.5) / 4000, 1e-3);
  EXPECT_DOUBLE_EQ(separation.tar_at_fmr1, 0.5);
  EXPECT_DOUBLE_EQ(separation.tar_at_fmr2, 0);
  EXPECT_DOUBLE_EQ(separation.tar_at_fmr3, 0);
}

TEST(Separation, EqualSimilaritiesEarnNothing) {
  const Separation separation = separation_of({.genuine = {1, 1, 1}, .impostor = {1, 1, 1, 1}});
  EXPECT_DOUBLE_EQ(separation.auc, 0.5);
  EXPECT_DOUBLE_EQ(separation.tar_at_fmr1, 0);
}

}  // namespace
}  // namespace faceforge::train
