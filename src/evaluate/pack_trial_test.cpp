#include "evaluate/pack_trial.h"

#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

/// `people` people with two photos each: a genuine pair of everyone, as many pairs of strangers.
PairList list_of(int people) {
  PairList list{.fold_count = 1, .pairs = {}};
  const auto photo = [&](int person, int number) {
    return PhotoName{fmt::format("person {}", person % people), number};
  };
  for (int person = 0; person < people; ++person) {
    list.pairs.push_back({photo(person, 1), photo(person, 2), PairKind::Genuine, 0});
    list.pairs.push_back({photo(person, 1), photo(person + 1, 1), PairKind::Impostor, 0});
  }
  return list;
}

/// Similarities of a model: genuine pairs lie `distance` deviations above impostors. What makes a
/// pair hard is the same for all models of a `seed`.
ComparedPairs model(const PairList& list, double distance, unsigned own_seed) {
  std::mt19937 shared(1), own(own_seed);
  std::normal_distribution<double> normal;
  ComparedPairs compared;
  for (const Pair& pair : list.pairs) {
    const double hardness = normal(shared) + 0.2 * normal(own);
    const double above = pair.kind == PairKind::Genuine ? distance : 0;
    compared.pairs.push_back({static_cast<float>(above + hardness), pair.kind, 0});
  }
  return compared;
}

PackTrial trial_of(const PairList& list, const ComparedPairs& ours, const ComparedPairs& theirs) {
  const auto trial = compare_sides(list, ours, theirs);
  EXPECT_TRUE(trial) << trial.error().message;
  return *trial;
}

TEST(PackTrial, ABetterPackLeadsByAnIntervalAboveZero) {
  const PairList list = list_of(200);
  const PackTrial trial = trial_of(list, model(list, 2.0, 2), model(list, 1.0, 3));
  EXPECT_TRUE(is_better(trial));
  EXPECT_GT(trial.challenger.curve.auc, trial.current.curve.auc);
  const double lead = trial.challenger.curve.auc - trial.current.curve.auc;
  EXPECT_LT(trial.auc_lead.low, lead);
  EXPECT_GT(trial.auc_lead.high, lead);
  EXPECT_EQ(trial.genuine_pair_count, 200);
  EXPECT_EQ(trial.impostor_pair_count, 200);
  EXPECT_EQ(trial.person_count, 200U);
}

TEST(PackTrial, AWorsePackIsRefusedAndSoIsAnEqualOne) {
  const PairList list = list_of(200);
  const PackTrial worse = trial_of(list, model(list, 1.0, 3), model(list, 2.0, 2));
  EXPECT_FALSE(is_better(worse));
  EXPECT_LT(worse.auc_lead.high, 0);
  const PackTrial same = trial_of(list, model(list, 2.0, 2), model(list, 2.0, 2));
  EXPECT_FALSE(is_better(same));
  EXPECT_EQ(same.auc_lead.low, 0);
  EXPECT_EQ(same.auc_lead.high, 0);
}

TEST(PackTrial, WithAMarginItNeedOnlyBeNoWorseThanThat) {
  const PairList list = list_of(400);
  const PackTrial trial = trial_of(list, model(list, 1.98, 2), model(list, 2.0, 3));
  EXPECT_FALSE(is_better(trial));
  EXPECT_TRUE(is_better(trial, 0.02));
  EXPECT_FALSE(is_better(trial, 1e-6));
}

TEST(PackTrial, TheDifferenceIsFarMoreCertainThanEitherFigure) {
  // The draws are the same for both: what makes a pair hard cancels out.
  const PairList list = list_of(200);
  const auto width = [](const Interval& interval) { return interval.high - interval.low; };
  const PackTrial paired = trial_of(list, model(list, 1.6, 2), model(list, 1.5, 3));
  ComparedPairs shuffled = model(list, 1.5, 3);
  std::mt19937 random(9);
  std::normal_distribution<double> normal;
  for (ComparedPair& pair : shuffled.pairs) {  // the same distance, another hardness
    pair.similarity =
        static_cast<float>((pair.kind == PairKind::Genuine ? 1.5 : 0) + normal(random));
  }
  const PackTrial unpaired = trial_of(list, model(list, 1.6, 2), shuffled);
  EXPECT_LT(width(paired.auc_lead), 0.6 * width(unpaired.auc_lead));
}

TEST(PackTrial, NeedsPairsOfBothKinds) {
  PairList list = list_of(20);
  std::erase_if(list.pairs, [](const Pair& pair) { return pair.kind == PairKind::Impostor; });
  const auto trial = compare_sides(list, model(list, 2, 2), model(list, 1, 3));
  EXPECT_EQ(trial.error().reason, "too_few_pairs");
}

}  // namespace
}  // namespace faceforge::evaluate
