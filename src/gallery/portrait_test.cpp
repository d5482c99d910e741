#include "gallery/portrait.h"

#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

constexpr face::Quality kGood{.face_size_px = 200, .sharpness = 380, .brightness = 0.5F};

TEST(Portrait, ALargeSharpFrontalWellLitFaceIsNearlyPerfect) {
  EXPECT_EQ(portrait_quality(kGood), 950);  // 380 / (380 + 20), and 1 for all else
}

TEST(Portrait, EachFaultCostsInProportion) {
  const auto with = [](const auto& spoil) {
    face::Quality quality = kGood;
    spoil(quality);
    return portrait_quality(quality);
  };
  EXPECT_EQ(with([](auto& quality) { quality.face_size_px = 80; }), 475);   // half of 160
  EXPECT_EQ(with([](auto& quality) { quality.sharpness = 20; }), 500);      // 20 / 40
  EXPECT_EQ(with([](auto& quality) { quality.yaw_deg = 60; }), 475);        // cos 60
  EXPECT_EQ(with([](auto& quality) { quality.pitch_deg = -60; }), 475);     // either way
  EXPECT_EQ(with([](auto& quality) { quality.brightness = 0.25F; }), 713);  // 4 * 0.25 * 0.75
  EXPECT_EQ(with([](auto& quality) { quality.roll_deg = 40; }), 950) << "crops are upright";
}

TEST(Portrait, WhatCannotBeSeenIsWorthNothing) {
  EXPECT_EQ(portrait_quality({}), 0);
  EXPECT_EQ(portrait_quality({.face_size_px = 200, .sharpness = 380, .brightness = 0}), 0);
  EXPECT_EQ(portrait_quality({.face_size_px = 200, .sharpness = 380, .brightness = 1}), 0);
  EXPECT_EQ(
      portrait_quality({.face_size_px = 200, .sharpness = 380, .brightness = 0.5F, .yaw_deg = 120}),
      0);
}

}  // namespace
}  // namespace faceforge::gallery
