#include "train/separation.h"

#include <gtest/gtest.h>

#include "train/random.h"

namespace faceforge::train {
namespace {

TEST(Separation, TheAreaIsTheShareOfPairsInTheRightOrder) {
  // By hand: 0.9 beats 3 of 3, 0.5 beats 0.4 and 0.1 and ties with 0.5: (3 + 2.5) / 6.
  EXPECT_DOUBLE_EQ(area_under_roc({.genuine = {0.9F, 0.5F}, .impostor = {0.4F, 0.5F, 0.1F}}),
                   5.5 / 6);
}

TEST(Separation, TheAreaIsWhatComparingEachWithEachGives) {
  Random random(3);
  PairSimilarities pairs;
  for (int i = 0; i < 200; ++i) pairs.genuine.push_back(random.between(0, 1));
  for (int i = 0; i < 300; ++i) {
    pairs.impostor.push_back(static_cast<float>(static_cast<int>(random.between(-8, 8))) / 10);
  }
  double wins = 0;
  for (const float genuine : pairs.genuine) {
    for (const float impostor : pairs.impostor) {
      wins += genuine > impostor ? 1 : genuine == impostor ? 0.5 : 0;
    }
  }
  EXPECT_NEAR(area_under_roc(pairs), wins / (200 * 300), 1e-12);
}

TEST(Separation, TheRateIsTakenAtTheLowestThresholdThatKeepsThePromise) {
  PairSimilarities pairs{.genuine = {0.95F, 0.85F, 0.5F, 0.2F}, .impostor = {}};
  for (int i = 0; i < 10; ++i) pairs.impostor.push_back(static_cast<float>(i) / 10);  // 0 to 0.9
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 0.0), 0.25);  // nobody at 0.9 may pass
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 0.1), 0.5);   // 0.9 may, 0.8 may not
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 0.19), 0.5);
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 0.5), 0.75);  // 0.5 to 0.9 may; 0.4 may not
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 1.0), 1);
}

TEST(Separation, EqualSimilaritiesEarnNothing) {
  const PairSimilarities pairs{.genuine = {1, 1, 1}, .impostor = {1, 1, 1, 1}};
  EXPECT_DOUBLE_EQ(area_under_roc(pairs), 0.5);
  EXPECT_DOUBLE_EQ(tar_at_fmr(pairs, 0.5), 0);
}

}  // namespace
}  // namespace faceforge::train
