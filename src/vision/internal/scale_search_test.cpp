#include "vision/internal/scale_search.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

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

TEST(Shadows, AreTheFaintBoxesAroundAFaceThatWasFound) {
  const Detection face = box_at(100, 100, 62, 0.9F);
  // A faint box of the same face, which alone would hint at a small one; the face itself; a small
  // face beside it; and a small one before it, of which they share little.
  const std::vector<Detection> seen = {box_at(103, 104, 53, 0.1F), face, box_at(170, 100, 20, 0.1F),
                                       box_at(130, 130, 20, 0.1F)};
  const auto left = without_shadows(seen, std::span(&face, 1), 0.4F);
  ASSERT_EQ(left.size(), 3U);
  EXPECT_FLOAT_EQ(left[0].box.width, 62);
  EXPECT_FLOAT_EQ(left[1].box.x, 170);
  EXPECT_FLOAT_EQ(left[2].box.x, 130);
  EXPECT_EQ(without_shadows(seen, {}, 0.4F).size(), 4U) << "nobody was found";
}

/// All levels of a plan, coarse to fine.
std::vector<Level> levels_of(const ScalePlan& plan) {
  std::vector<Level> levels{plan.overview, plan.shrunken};
  levels.insert(levels.end(), plan.finer.begin(), plan.finer.end());
  if (plan.everywhere) levels.push_back(*plan.everywhere);
  return levels;
}

TEST(PlanScales, SingleLooksAtASmallPhotoAsItIsPaddedToTheStride) {
  const Level level = single_level(250, 330, {});
  EXPECT_EQ(level.width_px, 250);
  const View expected{.part = {0, 0, 250, 330}, .width_px = 256, .height_px = 352};
  EXPECT_EQ(level.views, std::vector<View>{expected});
}

TEST(PlanScales, APhotoThatFitsAFixedInputIsNotEnlarged) {
  const DetectorReach reach{.fixed_width_px = 640, .fixed_height_px = 640};
  const Level level = single_level(250, 200, reach);
  EXPECT_EQ(level.width_px, 250);
  EXPECT_EQ(level.views[0].width_px, 640);
}

TEST(PlanScales, PhotosOfTheUsualShapesAreSeenWithLittlePadding) {
  for (const auto& [width, height, input_height] :
       {std::tuple{4000, 3000, 480}, {1280, 1024, 512}, {6000, 4000, 448}, {1920, 1080, 384}}) {
    const View& view = plan_scales(width, height, {}).overview.views.front();
    EXPECT_EQ(view.width_px, 640);
    EXPECT_EQ(view.height_px, input_height);
  }
}

TEST(PlanScales, LargePhotosOfEveryShapeNeedFewInputSizes) {
  for (const DetectorHead head : {DetectorHead::Scrfd, DetectorHead::Retinaface}) {
    std::set<std::pair<int, int>> overviews;
    std::set<std::pair<int, int>> tiles;
    for (int height = 1024; height <= 4096; height += 7) {
      const ScalePlan plan = plan_scales(4096, height, reach_of(head));
      overviews.emplace(plan.overview.views[0].width_px, plan.overview.views[0].height_px);
      for (const Level& level : plan.finer) {
        for (const View& view : level.views) tiles.emplace(view.width_px, view.height_px);
      }
    }
    EXPECT_LE(overviews.size(), 14U);
    // 512 x 512, and what is left of a level that is not as high.
    EXPECT_LE(tiles.size(), 5U);
  }
}

TEST(PlanScales, AnSsdSeesThePhotoStretchedToItsInput) {
  DetectorReach reach = reach_of(DetectorHead::Ssd);
  reach.fixed_width_px = reach.fixed_height_px = 512;
  const Level level = single_level(250, 125, reach);
  EXPECT_EQ(level.width_px, 512);
  EXPECT_EQ(level.height_px, 256);
}

TEST(FrameLevels, HalfHasAQuarterOfThePixelsOfWhole) {
  const auto levels = frame_levels(std::vector{FrameScale::Half, FrameScale::Whole}, 1280, 960, {});
  ASSERT_EQ(levels.size(), 2U);
  EXPECT_EQ(levels[0].width_px, 320);
  EXPECT_EQ(levels[0].height_px, 240);
  EXPECT_EQ(levels[0].views.front().width_px, 320);
  EXPECT_EQ(levels[0].views.front().height_px, 256) << "padded to the stride";
  EXPECT_EQ(levels[1].width_px, 640);
}

TEST(FrameLevels, WhatWouldLookTheSameIsLookedAtOnce) {
  const std::vector both{FrameScale::Half, FrameScale::Whole, FrameScale::Shrunken};
  EXPECT_EQ(frame_levels(both, 640, 480, {}).size(), 3U);
  EXPECT_EQ(frame_levels(both, 320, 240, {}).size(), 2U);
  const DetectorReach fixed{.fixed_width_px = 512, .fixed_height_px = 512};
  EXPECT_EQ(frame_levels(both, 640, 480, fixed).size(), 2U);
}

TEST(FrameLevels, ShrunkenIsTheLevelOfPhotosForFacesThatFillThem) {
  const auto levels = frame_levels(std::vector{FrameScale::Shrunken}, 640, 480, {});
  ASSERT_EQ(levels.size(), 1U);
  const Level& expected = plan_scales(640, 480, {}).shrunken;
  EXPECT_EQ(levels[0].views, expected.views);
  EXPECT_EQ(levels[0].min_face_px, expected.min_face_px);
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

TEST(PlanScales, WhateverThePhotoTheSearchStaysWithinItsBounds) {
  for (const int fixed_px : {0, 1, 16, 96, 128, 129, 130, 160, 255, 256, 257, 512, 640, 4096}) {
    for (const auto& [width, height] :
         {std::pair{1, 1}, std::pair{250, 250}, std::pair{1280, 960}, std::pair{4096, 3072},
          std::pair{4096, 1}, std::pair{3, 4096}, std::pair{641, 640}}) {
      DetectorReach reach = reach_of(fixed_px == 512 ? DetectorHead::Ssd : DetectorHead::Scrfd);
      reach.fixed_width_px = reach.fixed_height_px = fixed_px;
      const ScalePlan plan = plan_scales(width, height, reach);
      for (const Level& level : levels_of(plan)) expect_covered(level);
      EXPECT_EQ(plan.overview.views.size(), 1U);
      EXPECT_EQ(plan.shrunken.views.size(), 1U);
      EXPECT_LE(plan.finer.size(), fixed_px > 0 && fixed_px < 256 ? 0U : 5U);
      if (!plan.everywhere) continue;
      EXPECT_GE(fixed_px == 0 ? 256 : fixed_px, 256);
      EXPECT_LE(plan.everywhere->views.size(), kTileLimit);
      const double pixels =
          static_cast<double>(plan.everywhere->width_px) * plan.everywhere->height_px;
      EXPECT_LE(pixels,
                std::max(1.01 * kTiledPixelBudget, static_cast<double>(fixed_px) * fixed_px));
    }
  }
}

TEST(PlanScales, SixteenPixelFacesOfAGroupPhotoAreSeenAtTheDetectorsSmallestSize) {
  for (const DetectorHead head : {DetectorHead::Scrfd, DetectorHead::Ssd}) {
    DetectorReach reach = reach_of(head);
    if (head == DetectorHead::Ssd) reach.fixed_width_px = reach.fixed_height_px = 512;
    const ScalePlan plan = plan_scales(1280, 960, reach);
    EXPECT_GE(16 * plan.everywhere.value().width_px / 1280.0, 0.99F * reach.smallest_face_px);
    EXPECT_EQ(plan.finer.empty(), head == DetectorHead::Ssd);
  }
}

TEST(PlanScales, FinerLevelsDoubleUntilThePhotoIsSeenAsItIs) {
  const ScalePlan plan = plan_scales(4000, 3000, reach_of(DetectorHead::Scrfd));
  std::vector<int> widths;
  for (const Level& level : plan.finer) widths.push_back(level.width_px);
  EXPECT_EQ(widths, (std::vector{1280, 2560, 4000}));
}

TEST(PlanScales, AFaceThatFillsThePhotoIsSeenWithBlackAroundIt) {
  const Level level = plan_scales(600, 800, {}).shrunken;
  const View& view = level.views.front();
  EXPECT_GT(view.left, 0);
  EXPECT_GT(view.top, 0);
  EXPECT_LT(level.height_px, 0.65 * view.height_px);
}

TEST(Hints, AreBroughtBackToTheImageWithTheSizeThatTheDetectorSaw) {
  const Level level{
      .width_px = 400, .height_px = 300, .min_face_px = 50, .max_face_px = 100, .views = {}};
  const View view{
      .part = {100, 50, 200, 200}, .width_px = 256, .height_px = 256, .left = 10, .top = 20};
  Detection faint = box_at(56, 56, 8, 0.1F);
  faint.box.height = 6;
  const auto hints = hints_of({faint}, view, level, 800, 600);
  ASSERT_EQ(hints.size(), 1U);
  EXPECT_FLOAT_EQ(hints[0].center.x, 300.5F);
  EXPECT_FLOAT_EQ(hints[0].center.y, (59 + 30 + 0.5F) * 2 - 0.5F);
  EXPECT_FLOAT_EQ(hints[0].input_face_px, 8);
  EXPECT_FLOAT_EQ(hints[0].detection_score, 0.1F);
}

TEST(Hints, LeadToTheTilesThatShowThemInTheirMiddleStrongOnesFirst) {
  const Level finer = plan_scales(1280, 960, reach_of(DetectorHead::Scrfd)).finer.back();
  ASSERT_EQ(finer.width_px, 1280);
  ASSERT_EQ(finer.views.size(), 9U);
  const std::vector<Hint> hints = {
      {{1200, 900}, 10, 0.2F}, {{300, 250}, 10, 0.9F}, {{310, 240}, 12, 0.3F}};
  const auto tiles = hinted_tiles(finer, hints, 48, 1280, 960);
  ASSERT_EQ(tiles.size(), 2U);
  EXPECT_EQ(tiles[0].part.x, 0);
  EXPECT_EQ(tiles[0].part.y, 0);
  EXPECT_EQ(tiles[1].part.x + tiles[1].part.width, 1280);
  EXPECT_EQ(tiles[1].part.y + tiles[1].part.height, 960);
  EXPECT_EQ(hinted_tiles(finer, hints, 1, 1280, 960), std::vector<View>{tiles[0]});
  EXPECT_TRUE(hinted_tiles(finer, hints, 0, 1280, 960).empty());
  // The image may be larger than the level.
  EXPECT_EQ(hinted_tiles(finer, {{{2400, 1800}, 10, 0.2F}}, 48, 2560, 1920),
            std::vector<View>{tiles[1]});
}

TEST(Hints, AtFacesThatAFinerLevelWouldShowTooLargeLeadNowhere) {
  const Level finer = plan_scales(1280, 960, reach_of(DetectorHead::Scrfd)).finer.back();
  EXPECT_EQ(hinted_tiles(finer, {{{500, 500}, 56, 0.9F}}, 48, 1280, 960).size(), 1U);
  EXPECT_EQ(hinted_tiles(finer, {{{500, 500}, 57, 0.9F}}, 48, 1280, 960).size(), 0U);
}

TEST(Hints, AtAFaceOfAThirdOfThePhotoAskForTheShrunkenLevel) {
  const ScalePlan plan = plan_scales(1280, 960, {});
  EXPECT_FALSE(hint_at_large_face(std::vector<Hint>{{{500, 500}, 190, 0.9F}}, plan));
  EXPECT_TRUE(
      hint_at_large_face(std::vector<Hint>{{{500, 500}, 20, 0.9F}, {{500, 500}, 193, 0.1F}}, plan));
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
