#include "vision/internal/heads.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vision/blazeface_head.h"
#include "vision/ssd_head.h"

namespace faceforge::vision {
namespace {

using testing::FloatEq;
using testing::FloatNear;

constexpr GridPicture kPicture{.width_px = 96, .height_px = 64, .min_detection_score = 0.5F};

nn::Tensor zeros(std::vector<int64_t> shape) {
  size_t count = 1;
  for (const int64_t side : shape) count *= static_cast<size_t>(side);
  return {std::move(shape), std::vector<float>(count, 0)};
}

/// The 9 outputs of an SCRFD network on kPicture: cells 12x8, 6x4, 3x2, two anchors each.
std::vector<nn::Tensor> scrfd_outputs(bool with_batch) {
  std::vector<nn::Tensor> outputs;
  for (const int64_t width : {1, 4, 10}) {
    for (const int64_t rows : {192, 48, 12}) {
      outputs.push_back(with_batch ? zeros({1, rows, width}) : zeros({rows, width}));
    }
  }
  return outputs;
}

/// Puts one face at stride 16, row 2, column 3, second anchor: the cell at (48, 32).
void put_scrfd_face(std::vector<nn::Tensor>& outputs) {
  constexpr size_t kRow = (2 * 6 + 3) * 2 + 1;
  outputs[1].values[kRow] = 0.75F;
  const std::array<float, 4> sides = {1, 1.5F, 2, 0.5F};
  std::ranges::copy(sides, outputs[4].values.begin() + kRow * 4);
  for (size_t index = 0; index < 10; ++index) {
    outputs[7].values[kRow * 10 + index] = 0.25F * static_cast<float>(index);
  }
}

void expect_the_scrfd_face(const Result<std::vector<Detection>>& detections) {
  ASSERT_TRUE(detections) << detections.error().message;
  ASSERT_EQ(detections->size(), 1U);
  const Detection& face = detections->front();
  // By hand: the cell minus 1 and 1.5 strides of 16; the sides added up.
  EXPECT_FLOAT_EQ(face.box.x, 48 - 16);
  EXPECT_FLOAT_EQ(face.box.y, 32 - 24);
  EXPECT_FLOAT_EQ(face.box.width, 3 * 16);
  EXPECT_FLOAT_EQ(face.box.height, 2 * 16);
  EXPECT_FLOAT_EQ(face.detection_score, 0.75F);
  ASSERT_TRUE(face.landmarks);
  EXPECT_FLOAT_EQ((*face.landmarks)[0].x, 48);
  EXPECT_FLOAT_EQ((*face.landmarks)[0].y, 32 + 4);
  EXPECT_FLOAT_EQ((*face.landmarks)[4].x, 48 + 32);
  EXPECT_FLOAT_EQ((*face.landmarks)[4].y, 32 + 36);
}

TEST(ScrfdHead, AFaceIsReadOffItsCellWithAndWithoutABatchDimension) {
  for (const bool with_batch : {false, true}) {
    std::vector<nn::Tensor> outputs = scrfd_outputs(with_batch);
    put_scrfd_face(outputs);
    expect_the_scrfd_face(decode_scrfd(outputs, kPicture));
  }
}

TEST(ScrfdHead, OutputsAreToldApartInAnyOrder) {
  std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  put_scrfd_face(outputs);
  std::ranges::reverse(outputs);
  expect_the_scrfd_face(decode_scrfd(outputs, kPicture));
  std::ranges::rotate(outputs, outputs.begin() + 4);
  expect_the_scrfd_face(decode_scrfd(outputs, kPicture));
}

TEST(ScrfdHead, ANetworkWithoutKeyPointsIsRefusedByName) {
  std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  outputs.resize(6);
  EXPECT_EQ(decode_scrfd(outputs, kPicture).error().reason, "detector_without_landmarks");
}

TEST(ScrfdHead, OutputsOfAnotherPictureSizeAreRefused) {
  const std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  GridPicture other = kPicture;
  other.width_px = 128;
  EXPECT_EQ(decode_scrfd(outputs, other).error().reason, "network_shape");
}

TEST(ScrfdHead, TwoPicturesInOneRunAreRefused) {
  std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  outputs[0] = zeros({2, 96, 1});
  EXPECT_EQ(decode_scrfd(outputs, kPicture).error().reason, "network_shape");
}

TEST(ScrfdHead, AMissingOutputIsRefused) {
  std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  outputs.erase(outputs.begin() + 3);
  EXPECT_EQ(decode_scrfd(outputs, kPicture).error().reason, "network_shape");
}

TEST(ScrfdHead, WhatIsNotFiniteOrHasNoAreaIsLeftOut) {
  std::vector<nn::Tensor> outputs = scrfd_outputs(true);
  outputs[0].values[0] = std::numeric_limits<float>::quiet_NaN();
  outputs[0].values[5] = 0.9F;  // a box of no width
  outputs[0].values[7] = 0.9F;
  outputs[3].values[7 * 4] = std::numeric_limits<float>::infinity();
  const auto detections = decode_scrfd(outputs, kPicture);
  ASSERT_TRUE(detections);
  EXPECT_TRUE(detections->empty());
}

/// The outputs of a RetinaFace network on kPicture: 2 * (96 + 24 + 6) priors.
std::vector<nn::Tensor> retinaface_outputs() {
  return {zeros({1, 252, 4}), zeros({1, 252, 2}), zeros({1, 252, 10})};
}

TEST(RetinafaceHead, AFaceIsReadOffItsPrior) {
  std::vector<nn::Tensor> outputs = retinaface_outputs();
  // Stride 16, row 1, column 2, the larger size: centre (40, 24), side 128.
  constexpr size_t kRow = 2 * 96 + (1 * 6 + 2) * 2 + 1;
  outputs[1].values[kRow * 2 + 1] = 0.9F;
  const std::array<float, 4> offsets = {1, -0.5F, 5 * std::log(0.5F), 0};
  std::ranges::copy(offsets, outputs[0].values.begin() + kRow * 4);
  outputs[2].values[kRow * 10 + 4] = 2;  // x of the nose
  const auto detections = decode_retinaface(outputs, kPicture);
  ASSERT_TRUE(detections) << detections.error().message;
  ASSERT_EQ(detections->size(), 1U);
  const Detection& face = detections->front();
  // By hand: 0.1 * 128 a unit of offset, and half of 128 wide.
  EXPECT_THAT(face.box.width, FloatNear(64, 1e-3F));
  EXPECT_THAT(face.box.height, FloatEq(128));
  EXPECT_THAT(face.box.center_x(), FloatNear(40 + 12.8F, 1e-3F));
  EXPECT_THAT(face.box.center_y(), FloatNear(24 - 6.4F, 1e-3F));
  EXPECT_FLOAT_EQ((*face.landmarks)[2].x, 40 + 25.6F);
  EXPECT_FLOAT_EQ((*face.landmarks)[0].y, 24);
}

TEST(RetinafaceHead, OtherShapesAndMissingLandmarksAreRefused) {
  std::vector<nn::Tensor> outputs = retinaface_outputs();
  outputs[0] = zeros({1, 250, 4});
  EXPECT_EQ(decode_retinaface(outputs, kPicture).error().reason, "network_shape");
  outputs = retinaface_outputs();
  outputs.pop_back();
  EXPECT_EQ(decode_retinaface(outputs, kPicture).error().reason, "detector_without_landmarks");
}

/// The 12 outputs of a YuNet network on kPicture.
std::vector<nn::Tensor> yunet_outputs() {
  std::vector<nn::Tensor> outputs;
  for (const int64_t width : {1, 1, 4, 10}) {
    for (const int64_t rows : {96, 24, 6}) outputs.push_back(zeros({1, rows, width}));
  }
  return outputs;
}

TEST(YunetHead, AFaceIsReadOffItsCell) {
  std::vector<nn::Tensor> outputs = yunet_outputs();
  constexpr size_t kRow = 1 * 3 + 2;  // stride 32, row 1, column 2
  outputs[2].values[kRow] = 0.81F;
  outputs[5].values[kRow] = 1.2F;  // clamped to 1
  const std::array<float, 4> box = {0.5F, 0.25F, std::log(2.0F), 0};
  std::ranges::copy(box, outputs[8].values.begin() + kRow * 4);
  outputs[11].values[kRow * 10 + 9] = 0.5F;
  const auto detections = decode_yunet(outputs, kPicture);
  ASSERT_TRUE(detections) << detections.error().message;
  ASSERT_EQ(detections->size(), 1U);
  const Detection& face = detections->front();
  EXPECT_FLOAT_EQ(face.detection_score, 0.9F);
  EXPECT_FLOAT_EQ(face.box.center_x(), 80);
  EXPECT_FLOAT_EQ(face.box.center_y(), 40);
  EXPECT_FLOAT_EQ(face.box.width, 64);
  EXPECT_FLOAT_EQ(face.box.height, 32);
  EXPECT_FLOAT_EQ((*face.landmarks)[4].x, 64);
  EXPECT_FLOAT_EQ((*face.landmarks)[4].y, 48);
}

TEST(YunetHead, OtherShapesAndMissingLandmarksAreRefused) {
  std::vector<nn::Tensor> outputs = yunet_outputs();
  outputs[0] = zeros({1, 95, 1});
  EXPECT_EQ(decode_yunet(outputs, kPicture).error().reason, "network_shape");
  outputs = yunet_outputs();
  outputs.resize(9);
  EXPECT_EQ(decode_yunet(outputs, kPicture).error().reason, "detector_without_landmarks");
}

const std::vector<nn::PortInfo> kSsdPorts = {
    {kSsdPriors, {1, 2, 4}}, {kSsdBoxEncodings, {-1, 2, 4}}, {kSsdClassScores, {-1, 2}}};

std::vector<nn::Tensor> ssd_outputs() {
  nn::Tensor priors{{1, 2, 4}, {0.25F, 0.5F, 0.5F, 0.75F, 0, 0, 1, 1}};
  nn::Tensor encodings{{1, 2, 4}, {1, -2, 5 * std::log(2.0F), 0, 0, 0, 0, 0}};
  nn::Tensor logits{{1, 2}, {2, -5}};
  return {priors, encodings, logits};
}

TEST(SsdHead, AFaceIsReadOffItsPriorAndClippedToTheInput) {
  const auto detections = decode_ssd(kSsdPorts, ssd_outputs(), 512, 0.5F);
  ASSERT_TRUE(detections) << detections.error().message;
  ASSERT_EQ(detections->size(), 1U);
  const Detection& face = detections->front();
  // By hand: prior centre (0.625, 0.375), side 0.25; moved by (-0.05, 0.025), twice as high.
  EXPECT_THAT(face.box.center_x(), FloatNear(512 * 0.575F, 1e-2F));
  EXPECT_THAT(face.box.center_y(), FloatNear(512 * 0.4F, 1e-2F));
  EXPECT_THAT(face.box.width, FloatNear(128, 1e-2F));
  EXPECT_THAT(face.box.height, FloatNear(256, 1e-2F));
  EXPECT_THAT(face.detection_score, FloatNear(0.880797F, 1e-5F));  // sigmoid of 2
  EXPECT_FALSE(face.landmarks);
}

TEST(SsdHead, ABoxBeyondTheInputEndsAtItsBorder) {
  std::vector<nn::Tensor> outputs = ssd_outputs();
  outputs[1].values = {0, 0, 50, 50, 0, 0, 0, 0};
  const auto detections = decode_ssd(kSsdPorts, outputs, 512, 0.5F);
  ASSERT_TRUE(detections);
  EXPECT_FLOAT_EQ(detections->front().box.width, 512);
  EXPECT_FLOAT_EQ(detections->front().box.x, 0);
}

TEST(SsdHead, MissingOrOtherwiseShapedOutputsAreRefused) {
  std::vector<nn::PortInfo> ports = kSsdPorts;
  ports[0].name = "prior";
  EXPECT_EQ(decode_ssd(ports, ssd_outputs(), 512, 0.5F).error().reason, "network_shape");
  std::vector<nn::Tensor> outputs = ssd_outputs();
  outputs[2] = nn::Tensor{{1, 3}, {0, 0, 0}};
  EXPECT_EQ(decode_ssd(kSsdPorts, outputs, 512, 0.5F).error().reason, "network_shape");
}

const std::vector<nn::PortInfo> kBlazefacePorts = {{kBlazefaceBoxes32, {-1, 24, 16}},
                                                   {kBlazefaceBoxes16, {-1, 32, 16}},
                                                   {kBlazefaceScores16, {-1, 32, 1}},
                                                   {kBlazefaceScores32, {-1, 24, 1}}};

/// A picture of 64 px: 4 x 4 cells of two anchors, 2 x 2 cells of six; no face in it.
std::vector<nn::Tensor> blazeface_outputs() {
  std::vector<nn::Tensor> outputs{zeros({1, 24, 16}), zeros({1, 32, 16}), zeros({1, 32, 1}),
                                  zeros({1, 24, 1})};
  for (const size_t scores : {2, 3}) std::ranges::fill(outputs[scores].values, -5.0F);
  return outputs;
}

TEST(BlazefaceHead, AFaceOfEitherStrideIsReadOffTheMiddleOfItsCell) {
  std::vector<nn::Tensor> outputs = blazeface_outputs();
  const auto put = [&](size_t boxes, size_t scores, size_t row, std::array<float, 4> box) {
    std::ranges::copy(box, outputs[boxes].values.begin() + static_cast<int64_t>(row * 16));
    outputs[scores].values[row] = 2;
  };
  put(1, 2, (2 * 4 + 1) * 2 + 1, {3, -4, 10, 20});  // stride 16, row 2, column 1, second anchor
  put(0, 3, (0 * 2 + 1) * 6 + 5, {-8, 4, 16, 12});  // stride 32, row 0, column 1, sixth anchor
  const auto detections = decode_blazeface(kBlazefacePorts, outputs, 64, 0.5F);
  ASSERT_TRUE(detections) << detections.error().message;
  ASSERT_EQ(detections->size(), 2U);
  // By hand: the middles (24, 40) and (48, 16), moved.
  EXPECT_FLOAT_EQ(detections->at(0).box.center_x(), 27);
  EXPECT_FLOAT_EQ(detections->at(0).box.center_y(), 36);
  EXPECT_FLOAT_EQ(detections->at(0).box.width, 10);
  EXPECT_FLOAT_EQ(detections->at(0).box.height, 20);
  EXPECT_THAT(detections->at(0).detection_score, FloatNear(0.880797F, 1e-5F));  // sigmoid of 2
  EXPECT_FALSE(detections->at(0).landmarks);
  EXPECT_FLOAT_EQ(detections->at(1).box.center_x(), 40);
  EXPECT_FLOAT_EQ(detections->at(1).box.center_y(), 20);
}

TEST(BlazefaceHead, ABoxBeyondTheInputEndsAtItsBorderAndOneOutsideIsNone) {
  std::vector<nn::Tensor> outputs = blazeface_outputs();
  outputs[2].values[0] = 2;
  outputs[1].values[0] = -8;  // about the corner
  outputs[1].values[1] = -8;
  outputs[1].values[2] = 20;
  outputs[1].values[3] = 40;
  outputs[2].values[1] = 2;
  outputs[1].values[16] = -500;
  outputs[1].values[18] = 20;
  outputs[1].values[19] = 20;
  const auto detections = decode_blazeface(kBlazefacePorts, outputs, 64, 0.5F);
  ASSERT_TRUE(detections);
  ASSERT_EQ(detections->size(), 1U);
  EXPECT_FLOAT_EQ(detections->front().box.x, 0);
  EXPECT_FLOAT_EQ(detections->front().box.width, 10);
  EXPECT_FLOAT_EQ(detections->front().box.height, 20);
}

TEST(BlazefaceHead, WhatIsNoNumberIsLeftOut) {
  std::vector<nn::Tensor> outputs = blazeface_outputs();
  outputs[2].values[0] = std::numeric_limits<float>::quiet_NaN();
  outputs[2].values[1] = 2;
  outputs[1].values[18] = std::numeric_limits<float>::infinity();
  outputs[2].values[2] = 2;
  outputs[1].values[34] = std::numeric_limits<float>::quiet_NaN();
  outputs[1].values[35] = 10;
  const auto detections = decode_blazeface(kBlazefacePorts, outputs, 64, 0.5F);
  ASSERT_TRUE(detections);
  for (const Detection& detection : *detections) {
    EXPECT_TRUE(std::isfinite(detection.detection_score));
    EXPECT_TRUE(std::isfinite(detection.box.width));
  }
}

TEST(BlazefaceHead, MissingOrOtherwiseShapedOutputsAreRefused) {
  std::vector<nn::PortInfo> ports = kBlazefacePorts;
  ports[0].name = "boxes";
  EXPECT_EQ(decode_blazeface(ports, blazeface_outputs(), 64, 0.5F).error().reason, "network_shape");
  // Fewer rows than cells, and rows that are no multiple of the cells.
  EXPECT_EQ(decode_blazeface(kBlazefacePorts, blazeface_outputs(), 256, 0.5F).error().reason,
            "network_shape");
  std::vector<nn::Tensor> outputs = blazeface_outputs();
  outputs[2] = zeros({1, 31, 1});
  EXPECT_EQ(decode_blazeface(kBlazefacePorts, outputs, 64, 0.5F).error().reason, "network_shape");
}

}  // namespace
}  // namespace faceforge::vision
