#include "evaluate/unseen_people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kAnnAndBob{"Ann", "Bob"};
const std::vector<std::string> kEve{"Eve"};

/// Two networks of one pack, trained with two salts.
std::vector<crops::TrainedPeople> trained() {
  return {{crops::PersonSalt{std::byte{1}}, kAnnAndBob}, {crops::PersonSalt{std::byte{2}}, kEve}};
}

TEST(UnseenPeople, ThoseOfAnyNetworkAreSeen) {
  EXPECT_THAT(seen_in_training(trained(), {"Ann", "Cid", "Eve"}), ElementsAre("Ann", "Eve"));
  EXPECT_TRUE(seen_in_training(trained(), {"Cid", "Dan"}).empty());
  EXPECT_TRUE(seen_in_training({}, {"Ann"}).empty()) << "nobody wrote down whom";
}

TEST(UnseenPeople, ARefusalNamesHowManyAndOne) {
  EXPECT_TRUE(require_unseen(trained(), {"Cid"}, "mine"));
  const auto refused = require_unseen(trained(), {"Bob", "Cid", "Eve"}, "mine");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "trained_on_these_people");
  EXPECT_THAT(refused.error().message, HasSubstr("mine was trained on 2 of these 3 people (`Bob`"));
}

TEST(UnseenPeople, PairsWithOneOfThemAreLeftOut) {
  const auto list = parse_pair_list("1 2\nAnn 1 2\nCid 1 2\nCid 1 Dan 1\nDan 1 Eve 1\n");
  ASSERT_TRUE(list) << list.error().message;
  const PairList left = without(*list, {"Ann", "Eve"});
  ASSERT_EQ(left.pairs.size(), 2U);
  EXPECT_EQ(left.pairs[0].first.person, "Cid");
  EXPECT_EQ(left.pairs[1].second.person, "Dan");
}

}  // namespace
}  // namespace faceforge::evaluate
