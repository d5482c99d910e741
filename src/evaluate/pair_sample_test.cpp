#include "evaluate/pair_sample.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

size_t count(const PairSample& sample, PairKind kind) {
  return static_cast<size_t>(std::ranges::count(sample.people, kind, &PersonPair::kind));
}

/// That no pair comes twice and that kinds and people are right.
void expect_sound(const PairSample& sample, const std::vector<uint32_t>& person_of) {
  std::set<std::pair<uint32_t, uint32_t>> seen;
  ASSERT_EQ(sample.photos.size(), sample.people.size());
  for (size_t i = 0; i < sample.photos.size(); ++i) {
    const auto [first, second] = sample.photos[i];
    EXPECT_LT(first, second);
    EXPECT_TRUE(seen.emplace(first, second).second);
    EXPECT_EQ(sample.people[i].first_person, person_of[first]);
    EXPECT_EQ(sample.people[i].second_person, person_of[second]);
    EXPECT_EQ(sample.people[i].kind == PairKind::Genuine, person_of[first] == person_of[second]);
  }
}

// Photos of people 0 0 0 1 1 2: 3 + 1 genuine pairs, 15 - 4 of two people.
TEST(SamplePairs, AllPairsAreTakenWhereTheyAreFew) {
  const std::vector<uint32_t> person_of{0, 0, 0, 1, 1, 2};
  const PairSample sample = sample_pairs(person_of, 100, 1);
  EXPECT_EQ(count(sample, PairKind::Genuine), 4);
  EXPECT_EQ(count(sample, PairKind::Impostor), 11);
  expect_sound(sample, person_of);
  EXPECT_EQ(sample.people.front().kind, PairKind::Genuine);
}

TEST(SamplePairs, OfManyAsManyAsAllowedAreDrawnBySeed) {
  std::vector<uint32_t> person_of;
  for (uint32_t photo = 0; photo < 300; ++photo) person_of.push_back(photo / 30);
  for (const size_t limit : {50, 30'000}) {  // 4350 genuine pairs, 40 500 of two people
    const PairSample sample = sample_pairs(person_of, limit, 1);
    EXPECT_EQ(count(sample, PairKind::Genuine), std::min<size_t>(limit, 4350));
    EXPECT_EQ(count(sample, PairKind::Impostor), limit);
    expect_sound(sample, person_of);
  }
  const auto firsts = [&](uint64_t seed) {
    std::vector<uint32_t> photos;
    for (const auto& pair : sample_pairs(person_of, 50, seed).photos) {
      photos.push_back(pair.first_photo);
    }
    return photos;
  };
  EXPECT_EQ(firsts(1), firsts(1));
  EXPECT_NE(firsts(1), firsts(2));
}

// Gallery 0 0 1, test 0 1 2: of nine pairs 2 + 1 are genuine.
TEST(SamplePairs, CrossPairsAreOfAGalleryPhotoAndATestPhoto) {
  const std::vector<uint32_t> person_of{0, 0, 1, 0, 1, 2};
  const PairSample sample = sample_cross_pairs(person_of, 3, 100, 1);
  EXPECT_EQ(count(sample, PairKind::Genuine), 3);
  EXPECT_EQ(count(sample, PairKind::Impostor), 6);
  expect_sound(sample, person_of);
  for (const auto& pair : sample.photos) {
    EXPECT_LT(pair.first_photo, 3);
    EXPECT_GE(pair.second_photo, 3);
  }
  EXPECT_EQ(sample_cross_pairs(person_of, 3, 2, 1).photos.size(), 4);
}

}  // namespace
}  // namespace faceforge::evaluate
