#include "vision/internal/quality.h"

#include <array>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace faceforge::vision {
namespace {

struct Angles {
  double yaw_deg = 0;
  double pitch_deg = 0;
  double roll_deg = 0;
};

/// Five points of a head in millimetres (x right and y down in the picture, z away from the
/// viewer), from anthropometry rather than from the model under test: pupils 63 mm apart (Dodgson
/// 2004), mouth 50 mm wide and 68 mm lower, the nose tip 37 mm below and 25 mm before the pupils.
constexpr std::array<std::array<double, 3>, 5> kHead_mm = {
    {{-31.5, -34, 0}, {31.5, -34, 0}, {0, 2, -25}, {-26, 38, -4}, {26, 38, -4}}};

/// Turns the head and photographs it from `distance_mm`, with a focal length of 1000 px.
face::Landmarks photographed(const Angles& angles, double distance_mm) {
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double yaw = radians(angles.yaw_deg);
  const double pitch = radians(angles.pitch_deg);
  const double roll = radians(angles.roll_deg);
  face::Landmarks landmarks{};
  for (size_t index = 0; index < kHead_mm.size(); ++index) {
    const auto [x0, y0, z0] = kHead_mm[index];
    // About the vertical axis: what is nearest to the viewer (negative z) moves right.
    const double x1 = x0 * std::cos(yaw) - z0 * std::sin(yaw);
    const double z1 = x0 * std::sin(yaw) + z0 * std::cos(yaw);
    // About the horizontal one: it moves down.
    const double y2 = y0 * std::cos(pitch) - z1 * std::sin(pitch);
    const double z2 = y0 * std::sin(pitch) + z1 * std::cos(pitch);
    // In the picture, clockwise.
    const double x3 = x1 * std::cos(roll) - y2 * std::sin(roll);
    const double y3 = x1 * std::sin(roll) + y2 * std::cos(roll);
    landmarks[index] = {static_cast<float>(320 + 1000 * x3 / (distance_mm + z2)),
                        static_cast<float>(240 + 1000 * y3 / (distance_mm + z2))};
  }
  return landmarks;
}

TEST(Pose, ATurnedHeadIsReadBackWithinSevenDegrees) {
  // Perspective from 1.2 m and a head of other proportions than the model's explain the tolerance.
  for (const Angles& angles :
       {Angles{0, 0, 0}, Angles{25, 0, 0}, Angles{-40, 0, 0}, Angles{0, 20, 0}, Angles{0, -25, 0},
        Angles{0, 0, 35}, Angles{0, 0, -90}, Angles{30, 15, -20}, Angles{-20, -15, 10}}) {
    const Pose pose = pose_of(photographed(angles, 1200));
    EXPECT_NEAR(pose.yaw_deg, angles.yaw_deg, 7) << angles.yaw_deg << " " << angles.pitch_deg;
    EXPECT_NEAR(pose.pitch_deg, angles.pitch_deg, 7) << angles.yaw_deg << " " << angles.pitch_deg;
    EXPECT_NEAR(pose.roll_deg, angles.roll_deg, 7) << angles.yaw_deg << " " << angles.pitch_deg;
  }
}

TEST(Pose, LandmarksInOnePlaceOrOneLineHaveNone) {
  const face::Landmarks one_place{};
  EXPECT_EQ(pose_of(one_place).yaw_deg, 0);
  EXPECT_EQ(pose_of(one_place).roll_deg, 0);
  const face::Landmarks one_line = {{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}}};
  EXPECT_EQ(pose_of(one_line).pitch_deg, 0);
  const face::Landmarks broken = {{{NAN, 0}, {1, 1}, {2, 5}, {3, 3}, {4, 9}}};
  EXPECT_EQ(pose_of(broken).yaw_deg, 0);
}

image::Image checkerboard(int side_px, uint8_t dark, uint8_t light) {
  image::Image picture = image::Image::create(side_px, side_px);
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px * image::kChannels; ++x) {
      picture.row(y)[static_cast<size_t>(x)] = (x / image::kChannels + y) % 2 == 0 ? dark : light;
    }
  }
  return picture;
}

TEST(Sharpness, OfACheckerboardIsSixteenTimesItsContrastSquared) {
  // By hand: every Laplacian is +-4 * (light - dark); on 8x8 inner pixels both occur equally often.
  EXPECT_NEAR(sharpness_of(checkerboard(10, 100, 110)), 16 * 10 * 10, 0.1);
  EXPECT_EQ(sharpness_of(checkerboard(10, 77, 77)), 0);
  EXPECT_EQ(sharpness_of(checkerboard(2, 0, 255)), 0);
}

TEST(Brightness, IsTheMeanGreyWithTheWeightsOfRec601) {
  EXPECT_NEAR(brightness_of(checkerboard(10, 0, 255)), 0.5, 1e-4);
  image::Image green = image::Image::create(4, 4);
  for (size_t index = 1; index < green.pixels().size(); index += 3) green.pixels()[index] = 255;
  EXPECT_NEAR(brightness_of(green), 0.587, 1e-4);
}

}  // namespace
}  // namespace faceforge::vision
