#include "vision/internal/scale_search.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "vision/internal/non_maximum_suppression.h"

namespace faceforge::vision {
namespace {

Detection box_at(float x, float y, float side, float detection_score) {
  return {{x, y, side, side}, detection_score, std::nullopt};
}

TEST(SuppressOverlaps, KeepsTheStrongestOfBoxesThatOverlap) {
  const auto kept = suppress_overlaps(
      {box_at(2, 0, 10, 0.6F), box_at(0, 0, 10, 0.9F), box_at(30, 0, 10, 0.7F)}, 0.4F, 10);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_FLOAT_EQ(kept[0].detection_score, 0.9F);
  EXPECT_FLOAT_EQ(kept[1].detection_score, 0.7F);
}

TEST(SuppressOverlaps, KeepsBothAtTheLimitAndNoMoreThanAskedFor) {
  // Two squares of 10 shifted by 5 share a third.
  const std::vector<Detection> found = {box_at(0, 0, 10, 0.9F), box_at(5, 0, 10, 0.8F)};
  EXPECT_EQ(suppress_overlaps(found, 0.34F, 10).size(), 2U);
  EXPECT_EQ(suppress_overlaps(found, 0.33F, 10).size(), 1U);
  EXPECT_EQ(suppress_overlaps(found, 0.34F, 1).size(), 1U);
  EXPECT_EQ(suppress_overlaps(found, 0.34F, 0).size(), 0U);
}

TEST(PlanLevels, SingleLooksAtASmallPhotoAsItIsPaddedToTheStride) {
  const auto levels = plan_levels(250, 250, {}, ScaleSearch::Single);
  ASSERT_EQ(levels.size(), 1U);
  EXPECT_EQ(levels[0].width_px, 250);
  const View expected{.part = {0, 0, 250, 250}, .width_px = 256, .height_px = 256};
  EXPECT_EQ(levels[0].views, std::vector<View>{expected});
}

TEST(PlanLevels, APhotoThatFitsAFixedInputIsNotEnlarged) {
  const DetectorReach reach{.fixed_width_px = 640, .fixed_height_px = 640};
  const auto levels = plan_levels(250, 200, reach, ScaleSearch::Single);
  EXPECT_EQ(levels[0].width_px, 250);
  EXPECT_EQ(levels[0].views[0].width_px, 640);
}

TEST(PlanLevels, AnSsdSeesThePhotoStretchedToItsInput) {
  DetectorReach reach = reach_of(DetectorHead::Ssd);
  reach.fixed_width_px = reach.fixed_height_px = 512;
  const auto levels = plan_levels(250, 125, reach, ScaleSearch::Single);
  EXPECT_EQ(levels[0].width_px, 512);
  EXPECT_EQ(levels[0].height_px, 256);
}

/// Every pixel of a level lies in a view, every view in the level and in the detector's input.
void expect_covered(const Level& level) {
  for (const View& view : level.views) {
    EXPECT_GE(view.part.x, 0);
    EXPECT_GE(view.part.y, 0);
    EXPECT_LE(view.part.x + view.part.width, level.width_px);
    EXPECT_LE(view.part.y + view.part.height, level.height_px);
    EXPECT_LE(view.left + view.part.width, view.width_px);
    EXPECT_LE(view.top + view.part.height, view.height_px);
  }
  for (const auto& [x, y] : {std::pair{0, 0}, std::pair{level.width_px - 1, level.height_px - 1},
                             std::pair{level.width_px / 2, level.height_px / 3},
                             std::pair{level.width_px / 7, level.height_px - 1}}) {
    EXPECT_TRUE(std::ranges::any_of(level.views,
                                    [x = x, y = y](const View& view) {
                                      return x >= view.part.x &&
                                             x < view.part.x + view.part.width &&
                                             y >= view.part.y && y < view.part.y + view.part.height;
                                    }))
        << x << ", " << y;
  }
}

TEST(PlanLevels, WhateverThePhotoTheSearchStaysWithinItsBounds) {
  for (const int fixed_px : {0, 1, 16, 96, 128, 129, 130, 160, 255, 256, 257, 512, 640, 4096}) {
    for (const auto& [width, height] :
         {std::pair{1, 1}, std::pair{250, 250}, std::pair{1280, 960}, std::pair{4096, 3072},
          std::pair{4096, 1}, std::pair{3, 4096}, std::pair{641, 640}}) {
      DetectorReach reach = reach_of(fixed_px == 512 ? DetectorHead::Ssd : DetectorHead::Scrfd);
      reach.fixed_width_px = reach.fixed_height_px = fixed_px;
      const auto levels = plan_levels(width, height, reach, ScaleSearch::Full);
      EXPECT_LE(levels.size(), fixed_px > 0 && fixed_px < 256 ? 2U : 3U);
      size_t view_count = 0;
      for (const Level& level : levels) {
        expect_covered(level);
        view_count += level.views.size();
        const double pixels = static_cast<double>(level.width_px) * level.height_px;
        EXPECT_LE(pixels,
                  std::max(1.01 * kTiledPixelBudget, static_cast<double>(fixed_px) * fixed_px));
      }
      EXPECT_LE(view_count, 2 + kTileLimit);
    }
  }
}

TEST(PlanLevels, SixteenPixelFacesOfAGroupPhotoAreSeenAtTheDetectorsSmallestSize) {
  for (const DetectorHead head : {DetectorHead::Scrfd, DetectorHead::Ssd}) {
    DetectorReach reach = reach_of(head);
    if (head == DetectorHead::Ssd) reach.fixed_width_px = reach.fixed_height_px = 512;
    const auto levels = plan_levels(1280, 960, reach, ScaleSearch::Full);
    const double largest_scale = levels.back().width_px / 1280.0;
    EXPECT_GE(16 * largest_scale, 0.99F * reach.smallest_face_px);
  }
}

TEST(PlanLevels, AFaceThatFillsThePhotoIsSeenWithBlackAroundIt) {
  const auto levels = plan_levels(600, 800, {}, ScaleSearch::Full);
  EXPECT_TRUE(std::ranges::any_of(levels, [](const Level& level) {
    const View& view = level.views.front();
    return view.left > 0 && view.top > 0 && level.height_px < 0.65 * view.height_px;
  }));
}

TEST(FromView, BoxesAreBroughtBackThroughTileScaleAndPixelCentres) {
  // A level at half scale, a tile from (100, 50), laid at (10, 20) of the input.
  const Level level{
      .width_px = 400, .height_px = 300, .min_face_px = 0, .max_face_px = 100, .views = {}};
  const View view{
      .part = {100, 50, 200, 200}, .width_px = 256, .height_px = 256, .left = 10, .top = 20};
  Detection found = box_at(60, 60, 40, 0.9F);
  found.landmarks = face::Landmarks{};
  (*found.landmarks)[2] = {60, 60};
  const auto scaled = from_view({found}, view, level, 800, 600);
  ASSERT_EQ(scaled.size(), 1U);
  const Detection& moved = scaled[0].detection;
  // Pixel centre 60 of the input is 150 of the level and (150 + 0.5) * 2 - 0.5 of the image.
  EXPECT_FLOAT_EQ(moved.box.x, 300.5F);
  EXPECT_FLOAT_EQ(moved.box.y, 180.5F);
  EXPECT_FLOAT_EQ(moved.box.width, 80);
  EXPECT_FLOAT_EQ((*moved.landmarks)[2].x, 300.5F);
  EXPECT_FLOAT_EQ(scaled[0].input_face_px, 40);
}

TEST(FromView, FacesOfOtherSizesAndFacesCutByATileAreLeftToOthers) {
  const Level level{
      .width_px = 400, .height_px = 300, .min_face_px = 20, .max_face_px = 100, .views = {}};
  const View view{.part = {0, 50, 200, 200}, .width_px = 200, .height_px = 200};
  const std::vector<Detection> found = {
      box_at(50, 50, 10, 0.9F),   // too small for this level
      box_at(50, 50, 120, 0.9F),  // too large
      box_at(170, 50, 29, 0.9F),  // touches the tile's right border, inside of the photo
      box_at(50, 2, 30, 0.9F),    // its upper one
      box_at(-3, 50, 30, 0.9F),   // the photo's own border cuts this one: it stays
  };
  const auto scaled = from_view(found, view, level, 400, 300);
  ASSERT_EQ(scaled.size(), 1U);
  EXPECT_FLOAT_EQ(scaled[0].detection.box.x, -3);
}

TEST(JoinLevels, AFaceSeenAtSeveralScalesTakesTheOneOfTheBestSize) {
  const auto faces = join_levels({{box_at(0, 0, 100, 0.95F), 40},
                                  {box_at(1, 1, 100, 0.85F), 120},
                                  {box_at(2, 2, 100, 0.90F), 400},
                                  {box_at(500, 0, 30, 0.6F), 30}},
                                 0.4F, 112, 10);
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_FLOAT_EQ(faces[0].box.x, 1);
  EXPECT_FLOAT_EQ(faces[0].detection_score, 0.95F);
  EXPECT_FLOAT_EQ(faces[1].box.x, 500);
}

TEST(JoinLevels, NoMoreFacesThanAskedFor) {
  const auto faces =
      join_levels({{box_at(0, 0, 10, 0.6F), 10}, {box_at(50, 0, 10, 0.9F), 10}}, 0.4F, 112, 1);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_FLOAT_EQ(faces[0].box.x, 50);
}

}  // namespace
}  // namespace faceforge::vision
