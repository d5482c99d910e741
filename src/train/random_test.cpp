#include "train/random.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

namespace faceforge::train {
namespace {

/// SplitMix64 and xoshiro256** once more, from their authors' C code (prng.di.unimi.it).
struct Reference {
  uint64_t mix_state;
  uint64_t s[4];

  explicit Reference(uint64_t seed) : mix_state(seed) {
    for (uint64_t& word : s) {
      uint64_t z = (mix_state += 0x9e3779b97f4a7c15);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t next() {
    const uint64_t result = rotl(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
  }
};

TEST(Random, IsXoshiro256StarStarFilledBySplitMix) {
  // The first output of SplitMix64 for the seed 0, as published with it.
  ASSERT_EQ(Reference(0).s[0], 0xe220a8397b1dcdafULL);
  Random random(42);
  Reference reference(42);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(random.next(), reference.next());
}

TEST(Random, PurposesAndCountersHaveNothingInCommon) {
  std::map<uint64_t, int> seen;
  for (uint64_t counter = 0; counter < 1000; ++counter) {
    for (const auto purpose :
         {RandomPurpose::Epoch, RandomPurpose::Batch, RandomPurpose::Augmentation}) {
      ++seen[Random(1, purpose, counter).next()];
    }
  }
  EXPECT_EQ(seen.size(), 3000u);
}

TEST(Random, EveryNumberBelowABoundIsEquallyLikely) {
  Random random(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts[random.below(6)];
  // Standard deviation sqrt(60000 * 1/6 * 5/6) = 91: five of them.
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 460);
}

TEST(Random, ANumberBetweenIsNeverTheUpperEnd) {
  Random random(7);
  for (int i = 0; i < 100'000; ++i) {
    const float drawn = random.between(-1, 1);
    ASSERT_GE(drawn, -1.0F);
    ASSERT_LT(drawn, 1.0F);
  }
}

TEST(Random, AShuffleKeepsEverythingAndPutsEachAnywhere) {
  std::array<int, 5> places_of_first{};
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    std::vector<int> items(5);
    std::iota(items.begin(), items.end(), 0);
    Random(seed).shuffle(items);
    ++places_of_first[static_cast<size_t>(std::ranges::find(items, 0) - items.begin())];
    std::ranges::sort(items);
    ASSERT_EQ(items, (std::vector<int>{0, 1, 2, 3, 4}));
  }
  for (const int count : places_of_first) EXPECT_NEAR(count, 1000, 150);  // five deviations of 28
}

}  // namespace
}  // namespace faceforge::train
