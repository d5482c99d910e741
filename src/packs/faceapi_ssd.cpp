// SSD-MobileNet v1 of face-api. source: the package's src/ssdMobilenetv1; Liu et al. 2016 (SSD);
// Howard et al. 2017 (MobileNets).
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "packs/faceapi_convert.h"
#include "packs/internal/network_writer.h"

namespace faceforge::packs {
namespace {

/// A convolution whose batch norm was folded when it was published, but for an offset.
Result<Feature> convolution_with_offset(NetworkWriter& net, const std::string& name,
                                        const Feature& input, int64_t out_channels, int64_t kernel,
                                        int64_t stride) {
  const auto filter =
      TRY(net.weight(name + "/weights", {kernel, kernel, input.channels, out_channels}));
  const auto offset = TRY(net.weight(name + "/convolution_bn_offset", {out_channels}));
  return net.convolution(name, input, to_onnx_filter(filter, FilterKind::Ordinary), offset,
                         {.kernel = kernel, .stride = stride, .activation = Activation::Relu6});
}

/// A depthwise convolution with its batch norm folded in here.
Result<Feature> depthwise_with_batch_norm(NetworkWriter& net, const std::string& name,
                                          const Feature& input, int64_t stride) {
  constexpr float kEpsilon = 0.001F;
  const int64_t channels = input.channels;
  const auto filter = TRY(net.weight(name + "/depthwise_weights", {3, 3, channels, 1}));
  const auto gamma = TRY(net.weight(name + "/BatchNorm/gamma", {channels}));
  const auto beta = TRY(net.weight(name + "/BatchNorm/beta", {channels}));
  const auto mean = TRY(net.weight(name + "/BatchNorm/moving_mean", {channels}));
  const auto variance = TRY(net.weight(name + "/BatchNorm/moving_variance", {channels}));
  std::vector<float> factors(gamma.values.size());
  nn::Tensor bias{.shape = {channels}, .values = std::vector<float>(gamma.values.size())};
  for (size_t channel = 0; channel < factors.size(); ++channel) {
    factors[channel] = gamma.values[channel] / std::sqrt(variance.values[channel] + kEpsilon);
    bias.values[channel] = beta.values[channel] - mean.values[channel] * factors[channel];
  }
  nn::Tensor folded = to_onnx_filter(filter, FilterKind::Depthwise);
  scale_output_channels(folded, factors);
  return net.convolution(name, input, folded, bias,
                         {.kernel = 3, .stride = stride, .activation = Activation::Relu6});
}

struct MobileNetFeatures {
  Feature layer_11;
  Feature layer_13;
};

Result<MobileNetFeatures> mobilenet(NetworkWriter& net, const Feature& input) {
  constexpr std::array<int64_t, 13> kChannels = {64,  128, 128, 256, 256,  512, 512,
                                                 512, 512, 512, 512, 1024, 1024};
  // Misnamed by its authors: an ordinary 3x3 convolution.
  Feature feature =
      TRY(convolution_with_offset(net, "MobilenetV1/Conv2d_0_pointwise", input, 32, 3, 2));
  MobileNetFeatures features;
  for (size_t layer = 1; layer <= kChannels.size(); ++layer) {
    const bool halves = layer == 2 || layer == 4 || layer == 6 || layer == 12;
    const std::string name = fmt::format("MobilenetV1/Conv2d_{}", layer);
    feature = TRY(depthwise_with_batch_norm(net, name + "_depthwise", feature, halves ? 2 : 1));
    feature =
        TRY(convolution_with_offset(net, name + "_pointwise", feature, kChannels[layer - 1], 1, 1));
    if (layer == 11) features.layer_11 = feature;
  }
  features.layer_13 = feature;
  return features;
}

/// The six feature maps that boxes are predicted from, 32 cells wide down to one.
Result<std::vector<Feature>> prediction_features(NetworkWriter& net,
                                                 const MobileNetFeatures& backbone) {
  constexpr std::array<int64_t, 8> kChannels = {256, 512, 128, 256, 128, 256, 64, 128};
  std::vector<Feature> features{backbone.layer_11, backbone.layer_13};
  Feature feature = backbone.layer_13;
  for (size_t layer = 0; layer < kChannels.size(); ++layer) {
    const bool halves = layer % 2 == 1;
    const std::string name = fmt::format("Prediction/Conv2d_{}_pointwise", layer);
    feature = TRY(convolution_with_offset(net, name, feature, kChannels[layer], halves ? 3 : 1,
                                          halves ? 2 : 1));
    if (halves) features.push_back(feature);
  }
  return features;
}

/// Keeps of the class predictor's three classes a box (background, face, unused) the face.
void keep_face_class(nn::Tensor& filter, nn::Tensor& bias) {
  constexpr size_t kClassCount = 3;
  constexpr size_t kFaceClass = 1;
  const size_t box_count = bias.values.size() / kClassCount;
  const size_t per_channel = filter.values.size() / bias.values.size();
  nn::Tensor face_filter{.shape = filter.shape, .values = {}};
  nn::Tensor face_bias{.shape = {static_cast<int64_t>(box_count)}, .values = {}};
  face_filter.shape[0] = static_cast<int64_t>(box_count);
  for (size_t box = 0; box < box_count; ++box) {
    const size_t channel = box * kClassCount + kFaceClass;
    const auto first = filter.values.begin() + static_cast<ptrdiff_t>(channel * per_channel);
    face_filter.values.insert(face_filter.values.end(), first,
                              first + static_cast<ptrdiff_t>(per_channel));
    face_bias.values.push_back(bias.values[channel]);
  }
  filter = std::move(face_filter);
  bias = std::move(face_bias);
}

/// Boxes and scores of every feature map, flattened in the order row, column, box.
Result<void> predict_boxes(NetworkWriter& net, const std::vector<Feature>& features) {
  net.graph().add_initializer("box_rows", nn::IntegerTensor{.shape = {3}, .values = {0, -1, 4}});
  net.graph().add_initializer("score_rows", nn::IntegerTensor{.shape = {2}, .values = {0, -1}});
  std::vector<std::string> encodings;
  std::vector<std::string> scores;
  const std::vector<int64_t> rows_first{0, 2, 3, 1};
  for (size_t map = 0; map < features.size(); ++map) {
    const Feature& feature = features[map];
    const int64_t box_count = map == 0 ? 3 : 6;
    const std::string name = fmt::format("Prediction/BoxPredictor_{}", map);
    const std::string box_name = name + "/BoxEncodingPredictor";
    const auto box_filter =
        TRY(net.weight(box_name + "/weights", {1, 1, feature.channels, box_count * 4}));
    const auto box_bias = TRY(net.weight(box_name + "/biases", {box_count * 4}));
    const Feature boxes =
        net.convolution(box_name, feature, to_onnx_filter(box_filter, FilterKind::Ordinary),
                        box_bias, {.kernel = 1});
    net.node("Transpose", {boxes.name}, box_name + "/nhwc", {{"perm", rows_first}});
    encodings.push_back(net.node("Reshape", {box_name + "/nhwc", "box_rows"}, box_name + "/rows"));

    const std::string class_name = name + "/ClassPredictor";
    const auto class_filter =
        TRY(net.weight(class_name + "/weights", {1, 1, feature.channels, box_count * 3}));
    nn::Tensor filter = to_onnx_filter(class_filter, FilterKind::Ordinary);
    nn::Tensor bias = TRY(net.weight(class_name + "/biases", {box_count * 3}));
    keep_face_class(filter, bias);
    const Feature classes = net.convolution(class_name, feature, filter, bias, {.kernel = 1});
    net.node("Transpose", {classes.name}, class_name + "/nhwc", {{"perm", rows_first}});
    scores.push_back(
        net.node("Reshape", {class_name + "/nhwc", "score_rows"}, class_name + "/rows"));
  }
  net.node("Concat", encodings, "box_encodings", {{"axis", int64_t{1}}});
  net.node("Concat", scores, "class_scores", {{"axis", int64_t{1}}});
  return {};
}

}  // namespace

Result<std::vector<std::byte>> build_ssd_mobilenet(const NpmWeights& weights) {
  constexpr int64_t kSide = 512;
  constexpr int64_t kBoxCount = 5118;
  NetworkWriter net("ssd_mobilenetv1", weights);
  const MobileNetFeatures backbone = TRY(mobilenet(net, net.input(kSide)));
  const auto features = TRY(prediction_features(net, backbone));
  TRY(predict_boxes(net, features));
  const auto priors = TRY(net.weight("Output/extra_dim", {1, kBoxCount, 4}));
  net.graph().add_initializer("prior_corners", priors);
  net.node("Identity", {"prior_corners"}, "priors");
  net.graph().add_output({.name = "box_encodings", .shape = {-1, kBoxCount, 4}});
  net.graph().add_output({.name = "class_scores", .shape = {-1, kBoxCount}});
  net.graph().add_output({.name = "priors", .shape = {1, kBoxCount, 4}});
  return net.graph().serialize();
}

}  // namespace faceforge::packs
