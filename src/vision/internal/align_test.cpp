#include "vision/internal/align.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "vision/landmark_templates.h"

namespace faceforge::vision {
namespace {

LandmarkTemplate arcface() {
  return landmark_template("arcface_112").value();
}

/// A template point of the crop, turned, scaled and moved into a photo.
face::Point placed(const face::Point& point, double angle_deg, double scale, double x, double y) {
  const double angle = angle_deg * std::numbers::pi / 180;
  const double cx = static_cast<double>(point.x) - 56;
  const double cy = static_cast<double>(point.y) - 56;
  return {static_cast<float>(x + scale * (cx * std::cos(angle) - cy * std::sin(angle))),
          static_cast<float>(y + scale * (cx * std::sin(angle) + cy * std::cos(angle)))};
}

face::DetectedFace face_at(double angle_deg, double scale, double x, double y) {
  face::DetectedFace face;
  const auto tmpl = arcface();
  std::ranges::transform(tmpl.points, face.landmarks.begin(), [&](const face::Point& point) {
    return placed(point, angle_deg, scale, x, y);
  });
  return face;
}

image::Photo black_photo(int side_px) {
  return {image::Image::create(side_px, side_px), side_px, side_px};
}

/// A white disc around every landmark.
void mark(image::Image& image, const face::Landmarks& landmarks, double factor, double radius_px) {
  for (int y = 0; y < image.height_px(); ++y) {
    for (int x = 0; x < image.width_px(); ++x) {
      for (const face::Point& point : landmarks) {
        if (std::hypot(x - factor * static_cast<double>(point.x),
                       y - factor * static_cast<double>(point.y)) > radius_px) {
          continue;
        }
        std::ranges::fill(image.row(y).subspan(static_cast<size_t>(x) * 3, 3), uint8_t{255});
      }
    }
  }
}

/// The centre of brightness within 8 px of a point of the crop.
face::Point brightest_near(const image::Image& crop, const face::Point& point) {
  double sum = 0;
  double sum_x = 0;
  double sum_y = 0;
  for (int y = 0; y < crop.height_px(); ++y) {
    for (int x = 0; x < crop.width_px(); ++x) {
      if (std::hypot(x - static_cast<double>(point.x), y - static_cast<double>(point.y)) > 8) {
        continue;
      }
      const double value = crop.row(y)[static_cast<size_t>(x) * 3];
      sum += value;
      sum_x += value * x;
      sum_y += value * y;
    }
  }
  return {static_cast<float>(sum_x / sum), static_cast<float>(sum_y / sum)};
}

void expect_upright(const image::Image& crop, double tolerance_px) {
  const auto tmpl = arcface();
  for (const face::Point& expected : tmpl.points) {
    const face::Point found = brightest_near(crop, expected);
    EXPECT_NEAR(found.x, expected.x, tolerance_px);
    EXPECT_NEAR(found.y, expected.y, tolerance_px);
  }
}

TEST(Align, AFaceRotatedThirtyDegreesComesOutUprightWithinOnePixel) {
  image::Photo photo = black_photo(300);
  const face::DetectedFace face = face_at(30, 1.3, 150, 140);
  mark(photo.image, face.landmarks, 1, 4);
  const auto crop = align(photo, face, arcface());
  ASSERT_TRUE(crop) << crop.error().message;
  EXPECT_EQ(crop->pixels.width_px(), 112);
  EXPECT_EQ(crop->landmark_template, "arcface_112");
  expect_upright(crop->pixels, 1);
}

TEST(Align, AFaceSixTimesTheCropComesOutUprightWithinOnePixel) {
  image::Photo photo = black_photo(1200);
  const face::DetectedFace face = face_at(-40, 6.3, 610, 580);
  mark(photo.image, face.landmarks, 1, 20);
  const auto crop = align(photo, face, arcface());
  ASSERT_TRUE(crop) << crop.error().message;
  expect_upright(crop->pixels, 1);
}

TEST(Align, LandmarksOfAPhotoShrunkOnLoadAreBroughtToItsPixels) {
  image::Photo photo = black_photo(300);
  photo.width_px = photo.height_px = 1200;
  const face::DetectedFace face = face_at(20, 5, 600, 560);
  mark(photo.image, face.landmarks, 0.25, 4);
  const auto crop = align(photo, face, arcface());
  ASSERT_TRUE(crop) << crop.error().message;
  expect_upright(crop->pixels, 1);
}

TEST(Align, FinePatternsOfALargeFaceAreAveragedNotSkipped) {
  // Stripes of one pixel at a reduction by 5.5: bilinear sampling alone would show them as bands
  // of 0 and 255; their mean is 127.
  image::Photo photo = black_photo(800);
  for (int y = 0; y < 800; ++y) {
    if (y % 2 == 0) std::ranges::fill(photo.image.row(y), uint8_t{255});
  }
  const auto crop = align(photo, face_at(0, 5.5, 400, 400), arcface());
  ASSERT_TRUE(crop);
  for (int y = 1; y < 111; ++y) EXPECT_NEAR(crop->pixels.row(y)[3 * 56], 127, 30) << y;
}

TEST(Align, WhatLiesOutsideOfThePhotoIsBlack) {
  image::Photo photo = black_photo(200);
  std::ranges::fill(photo.image.pixels(), uint8_t{200});
  for (const double scale : {1.0, 4.0}) {
    const auto crop = align(photo, face_at(0, scale, 0, 100), arcface());
    ASSERT_TRUE(crop);
    EXPECT_EQ(crop->pixels.row(56)[3 * 20], 0);
    EXPECT_EQ(crop->pixels.row(56)[3 * 60], 200);
  }
}

TEST(Align, AContourTemplateTakesItsPointsFromTheContour) {
  const LandmarkTemplate tmpl = landmark_template("dlib_150").value();
  image::Photo photo = black_photo(300);
  face::DetectedFace face;
  face.contour.resize(68);
  for (size_t index = 0; index < tmpl.points.size(); ++index) {
    face::Point& point = face.contour[static_cast<size_t>(tmpl.contour_indices[index])];
    point = {tmpl.points[index].x * 1.5F + 20, tmpl.points[index].y * 1.5F + 30};
  }
  face::Landmarks nose{};
  nose.fill(face.contour[30]);
  mark(photo.image, nose, 1, 3);
  const auto crop = align(photo, face, tmpl);
  ASSERT_TRUE(crop);
  EXPECT_EQ(crop->pixels.width_px(), 150);
  const face::Point found = brightest_near(crop->pixels, tmpl.points[3]);
  EXPECT_NEAR(found.x, tmpl.points[3].x, 0.5);
  EXPECT_NEAR(found.y, tmpl.points[3].y, 0.5);
}

TEST(Align, LandmarksInOnePlaceOrNowhereAreRefused) {
  const image::Photo photo = black_photo(50);
  face::DetectedFace face;
  face.landmarks.fill({20, 20});
  EXPECT_EQ(align(photo, face, arcface()).error().reason, "degenerate_landmarks");
  face.landmarks[3] = {20.5F, 21};
  EXPECT_EQ(align(photo, face, arcface()).error().reason, "degenerate_landmarks");
  face = face_at(0, 0.3, 25, 25);
  EXPECT_TRUE(align(photo, face, arcface()));
  face.landmarks[1].x = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(align(photo, face, arcface()).error().reason, "degenerate_landmarks");
  face = face_at(0, 1e30, 0, 0);
  EXPECT_EQ(align(photo, face, arcface()).error().reason, "degenerate_landmarks");
}

TEST(Align, AFaceFarBeyondThePhotoIsABlackCropAndNoCrash) {
  image::Photo photo = black_photo(50);
  std::ranges::fill(photo.image.pixels(), uint8_t{255});
  for (const double scale : {1.0, 100.0, 5000.0}) {
    const auto crop = align(photo, face_at(10, scale, -300 * scale, 500 * scale), arcface());
    ASSERT_TRUE(crop);
    EXPECT_TRUE(std::ranges::all_of(crop->pixels.pixels(), [](uint8_t v) { return v == 0; }));
  }
}

}  // namespace
}  // namespace faceforge::vision
