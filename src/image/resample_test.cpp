#include "image/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::image {
namespace {

// A smooth picture with some noise: neighbours differ, as in photos.
Image textured(int width_px, int height_px, unsigned seed = 1) {
  Image image = Image::create(width_px, height_px);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> noise(-20, 20);
  for (int y = 0; y < height_px; ++y) {
    for (int x = 0; x < width_px; ++x) {
      for (int c = 0; c < kChannels; ++c) {
        const double wave = 128 + 80 * std::sin(0.13 * x + c) * std::cos(0.17 * y - c);
        image.row(y)[static_cast<size_t>(x * kChannels + c)] =
            static_cast<uint8_t>(std::clamp(static_cast<int>(wave) + noise(random), 0, 255));
      }
    }
  }
  return image;
}

double value_at(const Image& image, int x, int y, int c) {
  if (x < 0 || y < 0 || x >= image.width_px() || y >= image.height_px()) return 0;
  return image.row(y)[static_cast<size_t>(x * kChannels + c)];
}

// tests/photos/make_warp.py made these with OpenCV 4.6.
Image sample(const std::string& name) {
  const auto path = test::source_folder().string() + "/tests/photos/" + name;
  return decode(read_file(path, 1 << 20).value(), {}).value().image;
}

int largest_difference(const Image& left, const Image& right) {
  EXPECT_EQ(left.pixels().size(), right.pixels().size());
  int largest = 0;
  for (size_t i = 0; i < left.pixels().size(); ++i) {
    largest = std::max(largest, std::abs(left.pixels()[i] - right.pixels()[i]));
  }
  return largest;
}

// The definition, slowly: weights of the four neighbours, black outside.
double reference_sample(const Image& image, double x, double y, int c) {
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  double sum = 0;
  for (int dy = 0; dy <= 1; ++dy) {
    for (int dx = 0; dx <= 1; ++dx) {
      const double weight = (1 - std::abs(x - (left + dx))) * (1 - std::abs(y - (top + dy)));
      sum += weight * value_at(image, left + dx, top + dy, c);
    }
  }
  return sum;
}

struct Difference {
  double largest = 0;
  double mean = 0;
};

Difference difference_from_reference(const Image& source, const SimilarityTransform& transform,
                                     int side_px) {
  const Image warped = warp_similarity(source, transform, side_px, side_px);
  const auto back = transform.inverse();
  Difference difference;
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px; ++x) {
      const double source_x = back.a * x - back.b * y + back.tx;
      const double source_y = back.b * x + back.a * y + back.ty;
      for (int c = 0; c < kChannels; ++c) {
        const double expected = reference_sample(source, source_x, source_y, c);
        const double off = std::abs(value_at(warped, x, y, c) - expected);
        difference.largest = std::max(difference.largest, off);
        difference.mean += off / (side_px * side_px * kChannels);
      }
    }
  }
  return difference;
}

SimilarityTransform turned(double scale, double rotation_rad, double tx, double ty) {
  return {
      .a = scale * std::cos(rotation_rad), .b = scale * std::sin(rotation_rad), .tx = tx, .ty = ty};
}

TEST(Warp, EveryPixelIsTheOneOfOpenCvsWarpAffine) {
  const Image source = sample("warp_source.png");
  const Image upright = warp_similarity(source, turned(1.3, 0.4, 10, -7), 112, 112);
  EXPECT_EQ(largest_difference(upright, sample("warp_upright.png")), 0);
  const Image small = warp_similarity(source, turned(0.6, -2.5, 80, 60), 112, 112);
  EXPECT_EQ(largest_difference(small, sample("warp_small.png")), 0);
}

TEST(Warp, TheRoundingOfPositionsMovesNothing) {
  // Against exact positions: half a level of rounding and 1/64 px of a gradient of 20 levels.
  for (const auto& transform : {turned(1.3, 0.4, 10, -7), turned(0.6, -2.5, 80, 60)}) {
    const auto difference = difference_from_reference(textured(90, 70), transform, 112);
    EXPECT_LE(difference.largest, 4);
    EXPECT_LE(difference.mean, 0.4);
  }
}

TEST(Warp, TheIdentityCopiesAndOutsideIsBlack) {
  const Image source = textured(20, 10);
  const Image same = warp_similarity(source, {}, 20, 10);
  EXPECT_TRUE(std::ranges::equal(source.pixels(), same.pixels()));
  const Image moved = warp_similarity(source, {.tx = 5, .ty = 0}, 30, 10);
  for (int c = 0; c < kChannels; ++c) {
    EXPECT_EQ(value_at(moved, 4, 3, c), 0);
    EXPECT_EQ(value_at(moved, 5, 3, c), value_at(source, 0, 3, c));
    EXPECT_EQ(value_at(moved, 24, 3, c), value_at(source, 19, 3, c));
    EXPECT_EQ(value_at(moved, 25, 3, c), 0);
  }
}

TEST(Warp, HalfAPixelOverTheBorderMixesWithBlack) {
  Image white = Image::create(4, 4);
  std::ranges::fill(white.pixels(), 200);
  const Image moved = warp_similarity(white, {.tx = 0.5}, 5, 4);
  EXPECT_EQ(value_at(moved, 0, 1, 0), 100);
  EXPECT_EQ(value_at(moved, 1, 1, 0), 200);
  EXPECT_EQ(value_at(moved, 4, 1, 0), 100);
}

TEST(Warp, ATransformThatLeadsFarAwayIsBlackNotACrash) {
  const Image source = textured(20, 10);
  for (const double far : {1e6, 1e12, -1e300}) {
    const Image gone = warp_similarity(source, {.tx = far, .ty = far}, 8, 8);
    EXPECT_EQ(std::ranges::max(gone.pixels()), 0);
  }
}

TEST(Resize, ToItsOwnSizeIsACopyAndAFlatPictureStaysFlat) {
  const Image source = textured(31, 17);
  EXPECT_TRUE(std::ranges::equal(resize(source, 31, 17).pixels(), source.pixels()));
  Image flat = Image::create(37, 23);
  std::ranges::fill(flat.pixels(), 77);
  for (const auto& [width_px, height_px] :
       {std::pair{10, 10}, {100, 60}, {5, 90}, {1, 1}, {36, 24}}) {
    const Image resized = resize(flat, width_px, height_px);
    EXPECT_EQ(std::ranges::min(resized.pixels()), 77) << width_px << 'x' << height_px;
    EXPECT_EQ(std::ranges::max(resized.pixels()), 77) << width_px << 'x' << height_px;
  }
}

// Mean over the covered area, by sampling it finely.
double reference_area(const Image& source, int x, int y, int c, int width_px, int height_px) {
  constexpr int kParts = 60;
  const double step_x = static_cast<double>(source.width_px()) / width_px;
  const double step_y = static_cast<double>(source.height_px()) / height_px;
  double sum = 0;
  for (int j = 0; j < kParts; ++j) {
    for (int i = 0; i < kParts; ++i) {
      const auto source_x = static_cast<int>((x + (i + 0.5) / kParts) * step_x);
      const auto source_y = static_cast<int>((y + (j + 0.5) / kParts) * step_y);
      sum += value_at(source, source_x, source_y, c);
    }
  }
  return sum / (kParts * kParts);
}

TEST(Resize, ShrinkingIsTheMeanOfTheCoveredArea) {
  const Image source = textured(60, 45);
  for (const auto& [width_px, height_px] : {std::pair{30, 15}, {24, 10}, {7, 44}, {59, 2}}) {
    const Image resized = resize(source, width_px, height_px);
    for (int y = 0; y < height_px; ++y) {
      for (int x = 0; x < width_px; ++x) {
        // Half a level of rounding; the reference cuts the area into cells of its own.
        ASSERT_NEAR(value_at(resized, x, y, 1),
                    reference_area(source, x, y, 1, width_px, height_px), 1.6)
            << width_px << 'x' << height_px << " at " << x << ' ' << y;
      }
    }
  }
}

TEST(Resize, BothWaysAreThoseOfOpenCv) {
  const Image source = sample("warp_source.png");
  // OpenCV rounds its bilinear weights to 1/2048, which may turn a half the other way.
  EXPECT_LE(largest_difference(resize(source, 40, 33), sample("area_40x33.png")), 1);
  EXPECT_LE(largest_difference(resize(source, 200, 131), sample("linear_200x131.png")), 1);
}

TEST(Resize, APartRowByRowIsThatPartOfTheWhole) {
  const Image source = textured(60, 45);
  for (const auto& [width_px, height_px] : {std::pair{24, 10}, {59, 20}, {90, 70}, {60, 45}}) {
    const Image whole = resize(source, width_px, height_px);
    const PixelRectangle part{.x = 5, .y = 3, .width = 18, .height = 6};
    int row_count = 0;
    resize_rows(source, width_px, height_px, part, [&](int y, std::span<const float> rgb) {
      EXPECT_EQ(y, row_count++);
      ASSERT_EQ(rgb.size(), 18U * kChannels);
      for (size_t at = 0; at < rgb.size(); ++at) {
        ASSERT_EQ(static_cast<uint8_t>(rgb[at] + 0.5F), whole.row(3 + y)[5 * kChannels + at]);
      }
    });
    EXPECT_EQ(row_count, 6);
  }
}

TEST(Resize, HalvingTwoByTwoPixelsIsTheirMean) {
  Image source = Image::create(4, 2);
  const std::array<uint8_t, 8> red{10, 20, 100, 100, 30, 40, 101, 101};
  for (size_t i = 0; i < red.size(); ++i) source.pixels()[i * kChannels] = red[i];
  const Image half = resize(source, 2, 1);
  EXPECT_EQ(value_at(half, 0, 0, 0), 25);
  EXPECT_EQ(value_at(half, 1, 0, 0), 101);  // 100.5 rounds up
  EXPECT_EQ(value_at(half, 1, 0, 1), 0);
}

TEST(Resize, EnlargingIsBilinearBetweenPixelCentresWithRepeatedEdges) {
  Image source = Image::create(2, 1);
  source.pixels()[0] = 0;
  source.pixels()[3] = 100;
  const Image wide = resize(source, 4, 1);
  // Centres of the result lie at -0.25, 0.25, 0.75 and 1.25 of the source.
  EXPECT_EQ(value_at(wide, 0, 0, 0), 0);
  EXPECT_EQ(value_at(wide, 1, 0, 0), 25);
  EXPECT_EQ(value_at(wide, 2, 0, 0), 75);
  EXPECT_EQ(value_at(wide, 3, 0, 0), 100);
  EXPECT_EQ(value_at(resize(Image::create(1, 1), 9, 9), 8, 8, 2), 0);
}

TEST(Crop, APartIsCopiedAndWhatLiesOutsideIsBlack) {
  const Image source = textured(20, 10);
  const Image part = crop(source, {.x = -2, .y = 4, .width = 8, .height = 9});
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 8; ++x) {
      EXPECT_EQ(value_at(part, x, y, 2), value_at(source, x - 2, y + 4, 2)) << x << ' ' << y;
    }
  }
}

TEST(Crop, ARectangleThatMissesTheImageIsBlackWhereverItLies) {
  const Image source = textured(20, 10);
  for (const int far : {20, 1000, -5, 2'147'483'647, -2'147'483'647}) {
    const Image gone = crop(source, {.x = far, .y = far, .width = 5, .height = 5});
    EXPECT_EQ(std::ranges::max(gone.pixels()), 0) << far;
  }
}

TEST(Pad, BlackIsAddedOnTheRightAndAtTheBottom) {
  const Image source = textured(5, 4);
  const Image padded = pad(source, 7, 6);
  EXPECT_EQ(padded.width_px(), 7);
  EXPECT_EQ(padded.height_px(), 6);
  EXPECT_EQ(value_at(padded, 4, 3, 0), value_at(source, 4, 3, 0));
  EXPECT_EQ(value_at(padded, 5, 3, 0), 0);
  EXPECT_EQ(value_at(padded, 4, 4, 0), 0);
}

TEST(Flip, LeftBecomesRightAndTwiceIsTheSame) {
  const Image source = textured(5, 4);
  const Image flipped = flip_horizontally(source);
  for (int c = 0; c < kChannels; ++c) {
    EXPECT_EQ(value_at(flipped, 0, 2, c), value_at(source, 4, 2, c));
    EXPECT_EQ(value_at(flipped, 3, 1, c), value_at(source, 1, 1, c));
  }
  EXPECT_TRUE(std::ranges::equal(flip_horizontally(flipped).pixels(), source.pixels()));
}

TEST(Image, ANewOneIsBlackAndACopyIsItsOwn) {
  Image image = Image::create(3, 2);
  EXPECT_EQ(image.pixels().size(), 18u);
  EXPECT_EQ(std::ranges::max(image.pixels()), 0);
  Image copy = image.clone();
  copy.row(1)[8] = 9;
  EXPECT_EQ(copy.pixels()[17], 9);
  EXPECT_EQ(image.pixels()[17], 0);
  EXPECT_DEATH((void)Image::create(0, 5), "width_px > 0");
  EXPECT_DEATH((void)Image::create(5, 70'000), "height_px <= kMaxSide_px");
}

}  // namespace
}  // namespace faceforge::image
