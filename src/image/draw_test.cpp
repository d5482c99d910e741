#include "image/draw.h"

#include <algorithm>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "image/encode.h"

namespace faceforge::image {
namespace {

constexpr Colour kRed{255, 0, 0};
constexpr Colour kYellow{255, 255, 0};
constexpr Colour kNavy{0, 0, 80};

Colour pixel_at(const Image& image, int x, int y) {
  const auto pixel = image.row(y).subspan(static_cast<size_t>(x) * kChannels, kChannels);
  return {pixel[0], pixel[1], pixel[2]};
}

int count_of(const Image& image, Colour colour) {
  int count = 0;
  for (int y = 0; y < image.height_px(); ++y) {
    for (int x = 0; x < image.width_px(); ++x) count += pixel_at(image, x, y) == colour ? 1 : 0;
  }
  return count;
}

TEST(DrawRectangle, OnlyTheOutlineIsDrawnAndItLiesInside) {
  Image image = Image::create(20, 20);
  draw_rectangle(image, {.x = 3, .y = 4, .width = 10, .height = 8}, kRed, 2);
  EXPECT_EQ(count_of(image, kRed), 10 * 8 - 6 * 4);
  EXPECT_EQ(pixel_at(image, 3, 4), kRed);
  EXPECT_EQ(pixel_at(image, 12, 11), kRed);
  EXPECT_EQ(pixel_at(image, 5, 6), (Colour{0, 0, 0}));
  EXPECT_EQ(pixel_at(image, 13, 11), (Colour{0, 0, 0}));
}

TEST(DrawRectangle, PartsOutsideAreLeftOutAndFarOnesDrawNothing) {
  Image image = Image::create(20, 20);
  draw_rectangle(image, {.x = -5, .y = -5, .width = 10, .height = 10}, kRed, 1);
  EXPECT_EQ(count_of(image, kRed), 5 + 4);
  Image untouched = Image::create(20, 20);
  const int far = std::numeric_limits<int>::max() - 100;
  draw_rectangle(untouched, {.x = far, .y = -far, .width = 50, .height = 50}, kRed, 3);
  draw_rectangle(untouched, {.x = 2, .y = 2, .width = 0, .height = 5}, kRed, 3);
  EXPECT_EQ(count_of(untouched, kRed), 0);
}

TEST(DrawDisc, ADiscHasTheAreaOfACircleAndStaysInside) {
  Image image = Image::create(100, 100);
  draw_disc(image, {50, 50}, 20, kRed);
  EXPECT_NEAR(count_of(image, kRed), 3.14159 * 20 * 20, 40);
  EXPECT_EQ(pixel_at(image, 70, 50), kRed);
  EXPECT_NE(pixel_at(image, 71, 50), kRed);
  draw_disc(image, {-1e9f, 1e30f}, 5, kYellow);
  draw_disc(image, {std::numeric_limits<float>::quiet_NaN(), 0}, 5, kYellow);
  draw_disc(image, {99, 99}, 3, kYellow);
  EXPECT_EQ(pixel_at(image, 99, 99), kYellow);
}

TEST(DrawLabel, TextIsWhiteOnDarkAndBlackOnLight) {
  Image dark = Image::create(200, 50);
  ASSERT_TRUE(draw_label(dark, "match 0.73", {10, 10}, 16, kNavy));
  EXPECT_GT(count_of(dark, {255, 255, 255}), 20);
  EXPECT_GT(count_of(dark, kNavy), 500);
  Image light = Image::create(200, 50);
  std::ranges::fill(light.pixels(), 128);
  ASSERT_TRUE(draw_label(light, "match 0.73", {10, 10}, 16, kYellow));
  EXPECT_GT(count_of(light, {0, 0, 0}), 20);
}

TEST(DrawLabel, MarkupIsTakenLiterallyAndEveryScriptIsText) {
  Image image = Image::create(400, 60);
  EXPECT_TRUE(draw_label(image, "<b>&amp; <not closed", {0, 0}, 12, kNavy));
  EXPECT_TRUE(draw_label(image, "Zoë Ångström Ольга 李", {0, 30}, 12, kNavy));
  EXPECT_TRUE(draw_label(image, "two\nlines\ttab", {0, 30}, 12, kNavy));
}

TEST(DrawLabel, AStripAtTheEdgeIsMovedInsideAndALongTextIsCut) {
  Image image = Image::create(200, 50);
  ASSERT_TRUE(draw_label(image, "edge", {500, 500}, 12, kNavy));
  EXPECT_EQ(pixel_at(image, 199, 49), kNavy);
  EXPECT_TRUE(draw_label(image, std::string(100'000, 'w'), {0, 0}, 12, kNavy));
}

TEST(DrawLabel, ABlankTextDrawsNothingAndBrokenTextIsRefused) {
  Image image = Image::create(50, 50);
  EXPECT_TRUE(draw_label(image, "", {0, 0}, 12, kNavy));
  EXPECT_TRUE(draw_label(image, "  ", {0, 0}, 12, kNavy));
  EXPECT_EQ(count_of(image, kNavy), 0);
  EXPECT_EQ(draw_label(image, "\xff", {0, 0}, 12, kNavy).error().reason, "label_not_utf8");
  EXPECT_EQ(draw_label(image, std::string_view("a\0b", 3), {0, 0}, 12, kNavy).error().reason,
            "label_not_utf8");
}

Image gradient() {
  Image image = Image::create(64, 48);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      auto pixel = image.row(y).subspan(static_cast<size_t>(x) * kChannels, kChannels);
      pixel[0] = static_cast<uint8_t>(4 * x);
      pixel[1] = static_cast<uint8_t>(5 * y);
      pixel[2] = static_cast<uint8_t>(255 - 4 * x);
    }
  }
  return image;
}

TEST(Encode, APngIsReadBackExactlyAndAJpegClosely) {
  const Image image = gradient();
  const auto png = decode(encode_png(image).value(), {}).value();
  EXPECT_TRUE(std::ranges::equal(png.image.pixels(), image.pixels()));
  const auto jpeg = decode(encode_jpeg(image, 95).value(), {}).value();
  for (size_t i = 0; i < image.pixels().size(); ++i) {
    ASSERT_NEAR(jpeg.image.pixels()[i], image.pixels()[i], 8);
  }
  EXPECT_LT(encode_jpeg(image, 30).value().size(), encode_jpeg(image, 95).value().size());
}

bool contains(const std::vector<std::byte>& file, std::string_view text) {
  return !std::ranges::search(file, std::as_bytes(std::span(text))).empty();
}

TEST(Encode, NoMetadataIsWritten) {
  const auto jpeg = encode_jpeg(gradient()).value();
  const auto png = encode_png(gradient()).value();
  for (const std::string_view word : {"Exif", "ICC_PROFILE", "http://"}) {
    EXPECT_FALSE(contains(jpeg, word)) << word;
  }
  for (const std::string_view word : {"eXIf", "iCCP", "tEXt", "iTXt", "tIME"}) {
    EXPECT_FALSE(contains(png, word)) << word;
  }
}

}  // namespace
}  // namespace faceforge::image
