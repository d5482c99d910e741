// TinyFaceDetector of face-api, whose boxes are rewritten as an SSD's.
// source: the package's src/tinyFaceDetector and src/tinyYolov2; Redmon and Farhadi 2016 (YOLO v2).
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "packs/faceapi_convert.h"
#include "packs/internal/network_writer.h"

namespace faceforge::packs {
namespace {

constexpr int64_t kSide = 416;
constexpr int64_t kCellCount = 13;  // a side
constexpr int64_t kAnchorCount = 5;
constexpr int64_t kBoxCount = kCellCount * kCellCount * kAnchorCount;

/// Sides of a box, in cells.
struct Anchor {
  float width;
  float height;
};
constexpr std::array<Anchor, kAnchorCount> kAnchors = {{{1.603231F, 2.094468F},
                                                        {6.041143F, 7.080126F},
                                                        {2.882459F, 3.518061F},
                                                        {4.266906F, 5.178857F},
                                                        {9.041765F, 10.66308F}}};

// The network gives a box as x, y, width, height, objectness; an SSD's encoding begins with y.
constexpr std::array<size_t, 5> kPredictionOrder = {1, 0, 3, 2, 4};

/// Moves the output channels of the last filter or of its bias into an SSD's order.
nn::Tensor in_ssd_order(const nn::Tensor& by_channel) {
  nn::Tensor ordered = by_channel;
  const size_t width = by_channel.values.size() / (kAnchorCount * kPredictionOrder.size());
  for (size_t channel = 0; channel < kAnchorCount * kPredictionOrder.size(); ++channel) {
    const size_t anchor = channel / kPredictionOrder.size();
    const size_t from =
        anchor * kPredictionOrder.size() + kPredictionOrder[channel % kPredictionOrder.size()];
    for (size_t index = 0; index < width; ++index) {
      ordered.values[channel * width + index] = by_channel.values[from * width + index];
    }
  }
  return ordered;
}

/// Corners ymin, xmin, ymax, xmax of each anchor at the middle of each cell, in sides of the input.
nn::Tensor prior_corners() {
  nn::Tensor corners{.shape = {1, kBoxCount, 4}, .values = {}};
  for (int64_t cell = 0; cell < kCellCount * kCellCount; ++cell) {
    const float y = static_cast<float>(cell / kCellCount) + 0.5F;
    const float x = static_cast<float>(cell % kCellCount) + 0.5F;
    for (const Anchor& anchor : kAnchors) {
      for (const float corner : {y - anchor.height / 2, x - anchor.width / 2, y + anchor.height / 2,
                                 x + anchor.width / 2}) {
        corners.values.push_back(corner / kCellCount);
      }
    }
  }
  return corners;
}

/// What one cell is in the unit of an encoded centre: a tenth of the prior's height and width.
nn::Tensor cell_in_centre_units() {
  nn::Tensor factors{.shape = {1, kBoxCount, 2}, .values = {}};
  for (int64_t box = 0; box < kBoxCount; ++box) {
    const Anchor& anchor = kAnchors[static_cast<size_t>(box % kAnchorCount)];
    factors.values.push_back(10 / anchor.height);
    factors.values.push_back(10 / anchor.width);
  }
  return factors;
}

Result<Feature> backbone(NetworkWriter& net) {
  const Feature input = net.input(kSide);
  const auto filter = TRY(net.weight("conv0/filters", {3, 3, 3, 16}));
  const auto bias = TRY(net.weight("conv0/bias", {16}));
  Feature feature =
      net.convolution("conv0", input, to_onnx_filter(filter, FilterKind::Ordinary), bias,
                      {.padding = Padding::Valid, .activation = Activation::LeakyRelu});
  for (int64_t layer = 1; layer <= 5; ++layer) {
    feature = net.max_pool(fmt::format("pool{}", layer), feature, 2);
    feature = TRY(net.separable(fmt::format("conv{}", layer), feature, feature.channels * 2, 1));
    feature.name = net.activate(feature.name, Activation::LeakyRelu);
  }
  return net.max_pool("pool6", feature, 1);
}

/// A part of each box's five numbers.
std::string part(NetworkWriter& net, const std::string& name, int64_t first, int64_t end) {
  net.graph()
      .add_initializer(name + "/first", nn::IntegerTensor{.shape = {1}, .values = {first}})
      .add_initializer(name + "/end", nn::IntegerTensor{.shape = {1}, .values = {end}});
  return net.node("Slice", {"predictions", name + "/first", name + "/end", "last_axis"}, name);
}

/// YOLO has the centre within its cell as sigmoid(t), an SSD's as t / 10 priors from the prior's
/// middle, which is the cell's; sides are exp(t) and exp(t / 5) priors.
void write_encodings(NetworkWriter& net) {
  net.graph()
      .add_initializer("last_axis", nn::IntegerTensor{.shape = {1}, .values = {2}})
      .add_initializer("score_rows", nn::IntegerTensor{.shape = {2}, .values = {0, -1}})
      .add_initializer("middle", nn::Tensor{.shape = {}, .values = {0.5F}})
      .add_initializer("five", nn::Tensor{.shape = {}, .values = {5}})
      .add_initializer("cells", cell_in_centre_units())
      .add_initializer("prior_corners", prior_corners());
  net.node("Sigmoid", {part(net, "centre", 0, 2)}, "centre/cells");
  net.node("Sub", {"centre/cells", "middle"}, "centre/offset");
  net.node("Mul", {"centre/offset", "cells"}, "centre/encoding");
  net.node("Mul", {part(net, "size", 2, 4), "five"}, "size/encoding");
  net.node("Concat", {"centre/encoding", "size/encoding"}, "box_encodings", {{"axis", int64_t{2}}});
  net.node("Reshape", {part(net, "score", 4, 5), "score_rows"}, "class_scores");
  net.node("Identity", {"prior_corners"}, "priors");
}

}  // namespace

Result<std::vector<std::byte>> build_tiny_face_detector(const NpmWeights& weights) {
  NetworkWriter net("tiny_face_detector", weights);
  const Feature feature = TRY(backbone(net));
  constexpr int64_t kChannels = kAnchorCount * kPredictionOrder.size();
  const auto filter = TRY(net.weight("conv8/filters", {1, 1, feature.channels, kChannels}));
  const auto bias = TRY(net.weight("conv8/bias", {kChannels}));
  const Feature grid =
      net.convolution("conv8", feature, in_ssd_order(to_onnx_filter(filter, FilterKind::Ordinary)),
                      in_ssd_order(bias), {.kernel = 1});
  const std::vector<int64_t> rows_first{0, 2, 3, 1};
  net.node("Transpose", {grid.name}, "grid/nhwc", {{"perm", rows_first}});
  net.graph().add_initializer("prediction_rows",
                              nn::IntegerTensor{.shape = {3}, .values = {0, kBoxCount, 5}});
  net.node("Reshape", {"grid/nhwc", "prediction_rows"}, "predictions");
  write_encodings(net);
  net.graph().add_output({.name = "box_encodings", .shape = {-1, kBoxCount, 4}});
  net.graph().add_output({.name = "class_scores", .shape = {-1, kBoxCount}});
  net.graph().add_output({.name = "priors", .shape = {1, kBoxCount, 4}});
  return net.graph().serialize();
}

}  // namespace faceforge::packs
