// The small pure parts between pixels and networks: inputs, batches, contours, liveness crops,
// comparable embeddings.
#include <cmath>
#include <limits>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/resample.h"
#include "vision/internal/batches.h"
#include "vision/internal/contour.h"
#include "vision/internal/embedder.h"
#include "vision/internal/input_tensor.h"
#include "vision/internal/liveness.h"
#include "vision/landmark_templates.h"
#include "vision/pipeline.h"

namespace faceforge::vision {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;

TEST(InputTensor, PixelsLandNormalizedInTheirPlaneAndPlace) {
  image::Image image = image::Image::create(3, 2);
  image.row(1)[3] = 10;  // red, green, blue of (1, 1)
  image.row(1)[4] = 20;
  image.row(1)[5] = 30;
  InputNormalization bgr{.channel_order = ChannelOrder::Bgr, .mean = {1, 2, 3}, .scale = {1, 2, 4}};
  nn::Tensor input = black_input(2, 4, 4, bgr);
  EXPECT_THAT(input.shape, ElementsAre(2, 3, 4, 4));
  place_pixels(image, {1, 1, 1, 1}, bgr, {.picture_index = 1, .left = 2, .top = 3}, input);
  const size_t at = 48 + 3 * 4 + 2;
  EXPECT_FLOAT_EQ(input.values[at], (30 - 1) / 1.0F);
  EXPECT_FLOAT_EQ(input.values[at + 16], (20 - 2) / 2.0F);
  EXPECT_FLOAT_EQ(input.values[at + 32], (10 - 3) / 4.0F);
  // Black everywhere else is what the network calls black: minus the mean, scaled.
  EXPECT_FLOAT_EQ(input.values[0], -1);
  EXPECT_FLOAT_EQ(input.values[at + 16 - 1], -1);
  EXPECT_FLOAT_EQ(input.values[at + 32 - 1], -0.75F);
}

TEST(InputTensor, AScaledPartIsWhatScalingAndPlacingInTwoStepsGives) {
  image::Image image = image::Image::create(37, 29);
  for (size_t at = 0; at < image.pixels().size(); ++at) {
    image.pixels()[at] = static_cast<uint8_t>(at * 7919 % 251);
  }
  const InputNormalization rgb{.mean = {1, 2, 3}, .scale = {2, 4, 8}};
  const InputPlace place{.picture_index = 1, .left = 2, .top = 3};
  for (const auto& [width_px, height_px] : {std::pair{12, 10}, {37, 29}, {50, 41}, {20, 60}}) {
    const image::PixelRectangle part{3, 2, 8, 7};
    nn::Tensor once = black_input(2, 16, 12, rgb);
    nn::Tensor twice = once;
    place_scaled(image, width_px, height_px, part, rgb, place, once);
    place_pixels(image::resize(image, width_px, height_px), part, rgb, place, twice);
    for (size_t at = 0; at < once.values.size(); ++at) {
      // Half a level, which only the second way rounds, of the smallest scale.
      ASSERT_NEAR(once.values[at], twice.values[at], 0.5F / 2 + 1e-4F) << width_px << " at " << at;
    }
  }
}

TEST(Batches, AreFallingPowersOfTwoOfAtMost32) {
  std::vector<size_t> batches;
  for (size_t left = 77; left > 0; left -= batches.back()) batches.push_back(next_batch(left));
  EXPECT_THAT(batches, ElementsAre(32, 32, 8, 4, 1));
}

TEST(Contour, TheFiveLandmarksAreEyeCentresNoseTipAndMouthCorners) {
  std::vector<face::Point> contour(68);
  for (size_t index = 36; index < 42; ++index) contour[index] = {static_cast<float>(index), 10};
  for (size_t index = 42; index < 48; ++index) contour[index] = {60, static_cast<float>(index)};
  contour[30] = {1, 2};
  contour[48] = {3, 4};
  contour[54] = {5, 6};
  const face::Landmarks landmarks = landmarks_of(contour);
  EXPECT_FLOAT_EQ(landmarks[0].x, 38.5F);
  EXPECT_FLOAT_EQ(landmarks[1].y, 44.5F);
  EXPECT_FLOAT_EQ(landmarks[2].y, 2);
  EXPECT_FLOAT_EQ(landmarks[3].x, 3);
  EXPECT_FLOAT_EQ(landmarks[4].x, 5);
}

TEST(Contour, AMirroredPointsMirrorImageIsThePointItself) {
  std::set<size_t> images;
  for (size_t index = 0; index < kContourPointCount; ++index) {
    EXPECT_EQ(mirrored_contour_index(mirrored_contour_index(index)), index);
    images.insert(mirrored_contour_index(index));
  }
  EXPECT_EQ(images.size(), kContourPointCount);
  // By the figure of iBUG 300-W: chin, outer and inner corners of the eyes, mouth, nose.
  EXPECT_EQ(mirrored_contour_index(8), 8U);
  EXPECT_EQ(mirrored_contour_index(0), 16U);
  EXPECT_EQ(mirrored_contour_index(17), 26U);
  EXPECT_EQ(mirrored_contour_index(30), 30U);
  EXPECT_EQ(mirrored_contour_index(36), 45U);
  EXPECT_EQ(mirrored_contour_index(39), 42U);
  EXPECT_EQ(mirrored_contour_index(41), 46U);
  EXPECT_EQ(mirrored_contour_index(48), 54U);
  EXPECT_EQ(mirrored_contour_index(57), 57U);
  EXPECT_EQ(mirrored_contour_index(60), 64U);
  EXPECT_EQ(mirrored_contour_index(65), 67U);
}

/// A face of 68 points within 80 x 120 about (0, 0), eyes level at y = -20; turned by an angle and
/// moved to (200, 300).
std::vector<face::Point> turned_contour(double angle_rad) {
  std::vector<face::Point> contour(kContourPointCount);
  contour[0] = {-40, -60};
  contour[16] = {40, 60};
  for (size_t index = 36; index < 42; ++index) contour[index] = {-18, -20};
  for (size_t index = 42; index < 48; ++index) contour[index] = {18, -20};
  for (face::Point& point : contour) {
    const double x = point.x * std::cos(angle_rad) - point.y * std::sin(angle_rad);
    const double y = point.x * std::sin(angle_rad) + point.y * std::cos(angle_rad);
    point = {static_cast<float>(200 + x), static_cast<float>(300 + y)};
  }
  return contour;
}

TEST(Contour, TheSecondLookIsTurnedSoThatTheEyesAreLevelAndAsLargeAsTheFace) {
  const double unit = std::sqrt(80.0 * 120.0);
  for (const double angle_rad : {0.0, 0.5, -2.8}) {
    const auto square =
        second_look_square(turned_contour(angle_rad), {.side = 1.5F, .rise = 0.25F}, 112);
    ASSERT_TRUE(square);
    // By hand: the middle of the square is a quarter of the unit above the face's middle.
    const double up_x = 200 + 0.25 * unit * std::sin(angle_rad);
    const double up_y = 300 - 0.25 * unit * std::cos(angle_rad);
    const auto middle = square->apply({static_cast<float>(up_x), static_cast<float>(up_y)});
    EXPECT_THAT(middle.x, FloatNear(55.5F, 1e-3F));
    EXPECT_THAT(middle.y, FloatNear(55.5F, 1e-3F));
    EXPECT_NEAR(square->scale(), 112 / (1.5 * unit), 1e-6);
    const auto contour = turned_contour(angle_rad);
    const auto left = square->apply({contour[36].x, contour[36].y});
    const auto right = square->apply({contour[42].x, contour[42].y});
    EXPECT_THAT(left.y, FloatNear(right.y, 1e-3F));
    EXPECT_LT(left.x, right.x);
  }
}

TEST(Contour, PointsThatAreNoFaceAreNotLookedAtAgain) {
  const SecondLook look{.side = 1.5F, .rise = 0};
  EXPECT_FALSE(second_look_square(std::vector<face::Point>(68, {5, 5}), look, 112));
  auto contour = turned_contour(0);
  contour[3].x = std::numeric_limits<float>::quiet_NaN();
  contour[40].y = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(second_look_square(contour, look, 112));
  contour = turned_contour(0);
  contour[0] = {-1e9F, 0};
  contour[16] = {1e9F, 1e9F};
  EXPECT_FALSE(second_look_square(contour, look, 112));
}

TEST(InputTensor, MirroredPicturesAreTurnedRowByRow) {
  nn::Tensor input{.shape = {1, 2, 2, 3}, .values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  mirror_pictures(input);
  EXPECT_THAT(input.values, ElementsAre(3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10));
}

TEST(Embedder, AnOutputIsCentredBroughtToUnitLengthAndWeightedInThisOrder) {
  // By hand: (4, 6) - (1, 2) = (3, 4), of length 5.
  std::vector<float> values{4, 6};
  EmbedderSpec spec{.output_length = 2, .output_mean = {1, 2}, .weight = 10};
  ASSERT_TRUE(finish_output(values, spec));
  EXPECT_THAT(values, ElementsAre(FloatEq(6), FloatEq(8)));
  values = {4, 6};
  spec.normalization = OutputNormalization::None;
  ASSERT_TRUE(finish_output(values, spec));
  EXPECT_THAT(values, ElementsAre(FloatEq(30), FloatEq(40)));
}

TEST(Embedder, WhatIsNotFiniteIsRefusedWithAndWithoutUnitLength) {
  for (const auto normalization : {OutputNormalization::None, OutputNormalization::UnitLength}) {
    const EmbedderSpec spec{.output_length = 2, .normalization = normalization};
    std::vector<float> values{1, std::numeric_limits<float>::quiet_NaN()};
    EXPECT_FALSE(finish_output(values, spec));
    values = {std::numeric_limits<float>::infinity(), 1};
    EXPECT_FALSE(finish_output(values, spec));
  }
  std::vector<float> nothing{0, 0};
  EXPECT_FALSE(finish_output(nothing, {.output_length = 2}));
}

TEST(Embedder, TemplatesAreWarpedOnceHoweverManyNetworksShareThem) {
  const auto arcface = landmark_template("arcface_112").value();
  const auto dlib = landmark_template("dlib_150").value();
  const std::vector<EmbedderSpec> embedders{
      {.landmark_template = dlib}, {.landmark_template = arcface}, {.landmark_template = dlib}};
  EXPECT_THAT(templates_of(embedders), ElementsAre(dlib, arcface));
}

TEST(LivenessPart, GrowsTheBoxAboutItsCentre) {
  // By hand: 10 x 20 grown twice about (105, 110); both last pixels belong to the part.
  EXPECT_EQ(liveness_part({100, 100, 10, 20}, 2, 400, 400),
            (image::PixelRectangle{95, 90, 21, 41}));
}

TEST(LivenessPart, IsMovedInsideAndGrownLessWhereThePhotoEnds) {
  EXPECT_EQ(liveness_part({0, 100, 20, 20}, 2, 400, 400), (image::PixelRectangle{0, 90, 41, 41}));
  EXPECT_EQ(liveness_part({380, 370, 20, 20}, 3, 400, 400),
            (image::PixelRectangle{339, 339, 61, 61}));
  // 101 px leave room for a growth of 100 / 50.
  EXPECT_EQ(liveness_part({25, 20, 50, 50}, 4, 101, 101), (image::PixelRectangle{0, 0, 101, 101}));
}

TEST(LivenessPart, StaysInsideWhateverTheBox) {
  for (const face::BoundingBox& box :
       {face::BoundingBox{-500, -500, 10, 10}, face::BoundingBox{1e6F, 3, 0.5F, 1e5F},
        face::BoundingBox{10, 10, 1e-3F, 1e-3F}}) {
    const image::PixelRectangle part = liveness_part(box, 2.7F, 64, 48);
    EXPECT_GE(part.x, 0);
    EXPECT_GE(part.y, 0);
    EXPECT_GE(part.width, 1);
    EXPECT_GE(part.height, 1);
    EXPECT_LE(part.x + part.width, 64);
    EXPECT_LE(part.y + part.height, 48);
  }
}

TEST(LivenessBox, IsASquareOfTheSameAreaALittleLower) {
  const face::BoundingBox square = liveness_box({100, 100, 160, 250});
  EXPECT_FLOAT_EQ(square.width, 200);
  EXPECT_FLOAT_EQ(square.height, 200);
  EXPECT_FLOAT_EQ(square.center_x(), 180);
  EXPECT_FLOAT_EQ(square.center_y(), 225 + 12.5F);
}

TEST(CentralFace, IsLargeAndNearToTheMiddle) {
  std::vector<face::DetectedFace> faces(3);
  faces[0].box = {0, 0, 60, 60};      // large, in a corner: 3600 - 2 * 2 * 95^2 < 0
  faces[1].box = {100, 100, 50, 50};  // 2500
  faces[2].box = {115, 115, 20, 20};  // 400
  EXPECT_EQ(central_face_index(faces, 250, 250), 1U);
}

}  // namespace
}  // namespace faceforge::vision
