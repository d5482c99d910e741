// The small pure parts between pixels and networks: inputs, batches, contours, liveness crops,
// comparable embeddings.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
