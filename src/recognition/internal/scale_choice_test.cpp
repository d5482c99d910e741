#include "recognition/internal/scale_choice.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::recognition::internal {
namespace {

using testing::ElementsAre;
using vision::FrameScale;

constexpr int64_t kFrame_ms = 50;

class ScaleChoiceTest : public testing::Test {
 protected:
  /// out: the scales of the next frame of 640 x 480, in which there are faces with such longer
  /// sides
  std::vector<FrameScale> look(const std::vector<float>& sides_px) {
    const auto scales = choice_.next(time_ms_);
    FrameFaces found;
    for (const float side_px : sides_px) {
      found.sure.push_back({.box = {0, 0, side_px / 2, side_px}, .detection_score = 0.9F});
    }
    choice_.saw(found, frame_, time_ms_);
    time_ms_ += kFrame_ms;
    return scales;
  }

  /// How often a scale is looked at in `count` frames.
  size_t times(FrameScale scale, size_t count, const std::vector<float>& sides_px) {
    size_t found = 0;
    for (size_t i = 0; i < count; ++i) {
      found += static_cast<size_t>(std::ranges::count(look(sides_px), scale));
    }
    return found;
  }

  ScaleChoice choice_;
  image::Photo frame_{image::Image::create(640, 480), 640, 480};
  int64_t time_ms_ = 0;
};

TEST_F(ScaleChoiceTest, AFaceOfAUsualSizeIsLookedAtInHalfTheFrame) {
  look({200});
  EXPECT_THAT(look({200}), ElementsAre(FrameScale::Half));
  EXPECT_THAT(look({200}), ElementsAre(FrameScale::Half));
}

TEST_F(ScaleChoiceTest, TheOtherScalesAreTriedInTurnAndMoreOftenWhereNobodyIs) {
  EXPECT_EQ(times(FrameScale::Half, 48, {}), 48U);  // 2.4 s
  EXPECT_EQ(times(FrameScale::Whole, 48, {}), 6U);
  EXPECT_EQ(times(FrameScale::Shrunken, 48, {}), 6U);
  EXPECT_EQ(times(FrameScale::Whole, 48, {200}), 2U);
  EXPECT_EQ(times(FrameScale::Shrunken, 48, {200}), 2U);
}

TEST_F(ScaleChoiceTest, ASmallFaceKeepsTheWholeFrameInViewForASecond) {
  look({60});
  EXPECT_EQ(look({200, 60}).front(), FrameScale::Whole);
  EXPECT_EQ(times(FrameScale::Whole, 19, {200}), 19U) << "also when it is lost for a while";
  EXPECT_EQ(look({200}).front(), FrameScale::Half);
}

TEST_F(ScaleChoiceTest, AFaceThatFillsTheFrameKeepsTheShrunkenOneInView) {
  look({500});
  EXPECT_THAT(look({500}), ElementsAre(FrameScale::Half, FrameScale::Shrunken));
  EXPECT_EQ(times(FrameScale::Shrunken, 19, {200}), 19U) << "for a second";
  EXPECT_EQ(times(FrameScale::Shrunken, 10, {200}), 0U);
}

TEST_F(ScaleChoiceTest, NoScaleIsLookedAtTwiceInAFrame) {
  for (const std::vector<float>& sides : {std::vector<float>{}, {60}, {500}, {60, 500}}) {
    for (int i = 0; i < 40; ++i) {
      auto scales = look(sides);
      std::ranges::sort(scales);
      EXPECT_EQ(std::ranges::adjacent_find(scales), scales.end());
    }
  }
}

}  // namespace
}  // namespace faceforge::recognition::internal
