// The landmark and the recognition network of face-api.
// source: the package's src/faceFeatureExtractor, src/faceLandmarkNet and src/faceRecognitionNet.
#include "packs/faceapi_convert.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "packs/internal/network_writer.h"

namespace faceforge::packs {
namespace {

// --- 68 landmarks ----------------------------------------------------------------------------

Result<Feature> first_convolution(NetworkWriter& net, const std::string& name, const Feature& input,
                                  int64_t out_channels) {
  const auto filter = TRY(net.weight(name + "/filters", {3, 3, input.channels, out_channels}));
  const auto bias = TRY(net.weight(name + "/bias", {out_channels}));
  return net.convolution(name, input, to_onnx_filter(filter, FilterKind::Ordinary), bias,
                         {.kernel = 3, .stride = 2});
}

/// Four convolutions, each seeing the rectified sum of all before it. The sums are of unrectified
/// outputs, but for the first.
Result<Feature> dense_block(NetworkWriter& net, int block_index, const Feature& input,
                            int64_t channels) {
  const std::string name = fmt::format("dense{}", block_index);
  Feature sum = block_index == 0 ? TRY(first_convolution(net, name + "/conv0", input, channels))
                                 : TRY(net.separable(name + "/conv0", input, channels, 2));
  sum.name = net.activate(sum.name, Activation::Relu);
  Feature seen = sum;
  for (int layer = 1; layer <= 3; ++layer) {
    const std::string layer_name = fmt::format("{}/conv{}", name, layer);
    const Feature output = TRY(net.separable(layer_name, seen, channels, 1));
    sum = net.add(layer_name + "/sum", sum, output);
    seen = sum;
    seen.name = net.activate(sum.name, Activation::Relu);
  }
  return seen;
}

// --- recognition -----------------------------------------------------------------------------

/// A convolution followed by a factor and an offset a channel, all folded into one.
Result<Feature> scaled_convolution(NetworkWriter& net, const std::string& name,
                                   const Feature& input, int64_t out_channels,
                                   const ConvolutionOptions& options) {
  const auto filter = TRY(net.weight(
      name + "/conv/filters", {options.kernel, options.kernel, input.channels, out_channels}));
  nn::Tensor bias = TRY(net.weight(name + "/conv/bias", {out_channels}));
  const auto factors = TRY(net.weight(name + "/scale/weights", {out_channels}));
  const auto offsets = TRY(net.weight(name + "/scale/biases", {out_channels}));
  for (size_t channel = 0; channel < bias.values.size(); ++channel) {
    bias.values[channel] = bias.values[channel] * factors.values[channel] + offsets.values[channel];
  }
  nn::Tensor folded = to_onnx_filter(filter, FilterKind::Ordinary);
  scale_output_channels(folded, factors.values);
  return net.convolution(name, input, folded, bias, options);
}

Result<Feature> residual(NetworkWriter& net, const std::string& name, const Feature& input) {
  const Feature first = TRY(scaled_convolution(net, name + "/conv1", input, input.channels,
                                               {.activation = Activation::Relu}));
  const Feature second = TRY(scaled_convolution(net, name + "/conv2", first, input.channels, {}));
  Feature sum = net.add(name + "/sum", second, input);
  sum.name = net.activate(sum.name, Activation::Relu);
  return sum;
}

/// Halves the side. The branch comes out one short of the shortcut on even sides and is padded; the
/// shortcut has half the channels where they double, and is padded too.
Result<Feature> residual_down(NetworkWriter& net, const std::string& name, const Feature& input,
                              int64_t out_channels) {
  const Feature first = TRY(
      scaled_convolution(net, name + "/conv1", input, out_channels,
                         {.stride = 2, .padding = Padding::Valid, .activation = Activation::Relu}));
  const Feature second = TRY(scaled_convolution(net, name + "/conv2", first, out_channels, {}));
  const std::string pooled = net.node(
      "AveragePool", {input.name}, name + "/shortcut",
      {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const Feature shortcut{.name = pooled, .channels = input.channels, .side = input.side / 2};
  const Feature branch = net.pad(second, shortcut.side, out_channels);
  Feature sum = net.add(name + "/sum", branch, net.pad(shortcut, shortcut.side, out_channels));
  sum.name = net.activate(sum.name, Activation::Relu);
  return sum;
}

}  // namespace

Result<std::vector<std::byte>> build_face_landmark_68(const NpmWeights& weights) {
  NetworkWriter net("face_landmark_68", weights);
  Feature feature = net.input(112);
  int64_t channels = 32;
  for (int block_index = 0; block_index < 4; ++block_index, channels *= 2) {
    feature = TRY(dense_block(net, block_index, feature, channels));
  }
  const auto factors = TRY(net.weight("fc/weights", {256, 136}));
  const auto bias = TRY(net.weight("fc/bias", {136}));
  net.graph().add_initializer("fc/weights", factors).add_initializer("fc/bias", bias);
  net.node("Gemm", {net.channel_means(feature), "fc/weights", "fc/bias"}, "landmarks");
  net.graph().add_output({.name = "landmarks", .shape = {-1, 136}});
  return net.graph().serialize();
}

Result<std::vector<std::byte>> build_face_recognition(const NpmWeights& weights) {
  struct Stage {
    const char* name;
    int64_t channels;
    int residual_count;  ///< layers that keep the side, after the one that halves it
  };
  constexpr std::array<Stage, 3> kStages = {
      {{"conv64", 64, 3}, {"conv128", 128, 2}, {"conv256", 256, 2}}};
  NetworkWriter net("face_recognition", weights);
  Feature feature = TRY(scaled_convolution(
      net, "conv32_down", net.input(150), 32,
      {.kernel = 7, .stride = 2, .padding = Padding::Valid, .activation = Activation::Relu}));
  feature.name = net.node(
      "MaxPool", {feature.name}, "pool",
      {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}}});
  feature.side = (feature.side - 3) / 2 + 1;
  for (int layer = 1; layer <= 3; ++layer) {
    feature = TRY(residual(net, fmt::format("conv32_{}", layer), feature));
  }
  for (const Stage& stage : kStages) {
    feature = TRY(residual_down(net, fmt::format("{}_down", stage.name), feature, stage.channels));
    for (int layer = 1; layer <= stage.residual_count; ++layer) {
      feature = TRY(residual(net, fmt::format("{}_{}", stage.name, layer), feature));
    }
  }
  feature = TRY(residual_down(net, "conv256_down_out", feature, 256));
  const auto factors = TRY(net.weight("fc", {256, 128}));
  net.graph().add_initializer("fc", factors);
  net.node("MatMul", {net.channel_means(feature), "fc"}, "descriptor");
  net.graph().add_output({.name = "descriptor", .shape = {-1, 128}});
  return net.graph().serialize();
}

}  // namespace faceforge::packs
