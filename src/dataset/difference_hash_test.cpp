#include "dataset/difference_hash.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "image/encode.h"
#include "image/resample.h"

namespace faceforge::dataset {
namespace {

/// A picture of smooth blobs, another one for each seed.
image::Image blobs(uint32_t seed) {
  std::mt19937 random(seed);
  image::Image coarse = image::Image::create(6, 5);
  for (uint8_t& value : coarse.pixels()) value = static_cast<uint8_t>(random() % 256);
  return image::resize(coarse, 180, 150);
}

// By hand: 9x8 pixels that rise from the left give all bits; that fall, none; that rise in the
// first row only, the highest eight.
TEST(DifferenceHash, ABitIsSetWhereTheNeighbourOnTheRightIsBrighter) {
  const auto picture = [](auto grey_of) {
    image::Image made = image::Image::create(9, 8);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 9; ++x) {
        std::ranges::fill(made.row(y).subspan(static_cast<size_t>(x) * 3, 3), grey_of(x, y));
      }
    }
    return made;
  };
  const auto rising = [](int x, int) { return static_cast<uint8_t>(20 * x); };
  const auto falling = [](int x, int) { return static_cast<uint8_t>(200 - 20 * x); };
  const auto first_row = [](int x, int y) { return static_cast<uint8_t>(y == 0 ? 20 * x : 100); };
  EXPECT_EQ(difference_hash(picture(rising)), ~uint64_t{0});
  EXPECT_EQ(difference_hash(picture(falling)), 0U);
  EXPECT_EQ(difference_hash(picture(first_row)), uint64_t{0xFF} << 56);
}

TEST(DifferenceHash, ACopyOfAnotherSizeQualityOrBrightnessDiffersInFewBitsAndAnotherPictureInMany) {
  int least_between_two = 64;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const image::Image picture = blobs(seed);
    const uint64_t hash = difference_hash(picture);
    EXPECT_LE(differing_bits(hash, difference_hash(image::resize(picture, 97, 80))), 3);
    const auto jpeg = image::encode_jpeg(picture, 30);
    const auto decoded = image::decode(*jpeg, {});
    EXPECT_LE(differing_bits(hash, difference_hash(decoded->image)), 4);
    image::Image darker = picture.clone();
    for (uint8_t& value : darker.pixels()) value = static_cast<uint8_t>(value * 4 / 5);
    EXPECT_LE(differing_bits(hash, difference_hash(darker)), 3);
    least_between_two =
        std::min(least_between_two, differing_bits(hash, difference_hash(blobs(seed + 100))));
  }
  EXPECT_GT(least_between_two, 10);  // the bound that Krawetz gives for "the same picture"
}

}  // namespace
}  // namespace faceforge::dataset
