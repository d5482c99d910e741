#include "packs/internal/network_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

namespace faceforge::packs {

nn::Tensor to_onnx_filter(const nn::Tensor& filter, FilterKind kind) {
  const int64_t area = filter.shape[0] * filter.shape[1];
  const int64_t in = kind == FilterKind::Ordinary ? filter.shape[2] : filter.shape[3];
  const int64_t out = kind == FilterKind::Ordinary ? filter.shape[3] : filter.shape[2];
  const int64_t in_step = kind == FilterKind::Ordinary ? out : 1;
  const int64_t out_step = kind == FilterKind::Ordinary ? 1 : in;
  nn::Tensor result{.shape = {out, in, filter.shape[0], filter.shape[1]}, .values = {}};
  result.values.reserve(filter.values.size());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t position = 0; position < area; ++position) {
        const int64_t from = position * in * out + i * in_step + o * out_step;
        result.values.push_back(filter.values[static_cast<size_t>(from)]);
      }
    }
  }
  return result;
}

void scale_output_channels(nn::Tensor& filter, std::span<const float> factors) {
  const size_t per_channel = filter.values.size() / factors.size();
  for (size_t index = 0; index < filter.values.size(); ++index) {
    filter.values[index] *= factors[index / per_channel];
  }
}

NetworkWriter::NetworkWriter(std::string name, const NpmWeights& weights)
    : graph_(std::move(name)), weights_(weights) {}

Feature NetworkWriter::input(int64_t side) {
  graph_.add_input({.name = "input", .shape = {-1, 3, side, side}});
  return {.name = "input", .channels = 3, .side = side};
}

Result<nn::Tensor> NetworkWriter::weight(const std::string& name,
                                         const std::vector<int64_t>& shape) const {
  const auto found = weights_.find(name);
  if (found == weights_.end()) {
    return fail(ErrorCode::Corrupt, "weight_missing", "the weights have no tensor {}", name);
  }
  if (found->second.shape != shape) {
    return fail(ErrorCode::Corrupt, "weight_shape", "{} has the shape [{}] instead of [{}]", name,
                fmt::join(found->second.shape, ","), fmt::join(shape, ","));
  }
  return found->second;
}

std::string NetworkWriter::node(const std::string& op_type, const std::vector<std::string>& inputs,
                                const std::string& output,
                                std::map<std::string, nn::AttributeValue> attributes) {
  graph_.add_node({.op_type = op_type,
                   .inputs = inputs,
                   .outputs = {output},
                   .attributes = std::move(attributes)});
  return output;
}

std::string NetworkWriter::activate(const std::string& input, Activation activation) {
  if (activation == Activation::None) return input;
  if (activation == Activation::Relu) return node("Relu", {input}, input + "/relu");
  if (activation == Activation::LeakyRelu) {
    return node("LeakyRelu", {input}, input + "/leaky", {{"alpha", 0.1F}});
  }
  if (!has_relu6_bounds_) {
    graph_.add_initializer("relu6/min", nn::Tensor{.shape = {}, .values = {0}});
    graph_.add_initializer("relu6/max", nn::Tensor{.shape = {}, .values = {6}});
    has_relu6_bounds_ = true;
  }
  return node("Clip", {input, "relu6/min", "relu6/max"}, input + "/relu6");
}

Feature NetworkWriter::convolution(const std::string& name, const Feature& input,
                                   const nn::Tensor& filter, const nn::Tensor& bias,
                                   const ConvolutionOptions& options) {
  int64_t before = 0;
  int64_t after = 0;
  int64_t side = (input.side - options.kernel) / options.stride + 1;
  if (options.padding == Padding::Same) {
    side = (input.side + options.stride - 1) / options.stride;
    const int64_t total =
        std::max<int64_t>((side - 1) * options.stride + options.kernel - input.side, 0);
    before = total / 2;
    after = total - before;
  }
  graph_.add_initializer(name + "/filter", filter);
  std::vector<std::string> inputs{input.name, name + "/filter"};
  if (!bias.values.empty()) {
    graph_.add_initializer(name + "/bias", bias);
    inputs.push_back(name + "/bias");
  }
  node("Conv", inputs, name,
       {{"kernel_shape", std::vector<int64_t>{options.kernel, options.kernel}},
        {"strides", std::vector<int64_t>{options.stride, options.stride}},
        {"pads", std::vector<int64_t>{before, before, after, after}},
        {"group", input.channels / filter.shape[1]}});
  return {.name = activate(name, options.activation), .channels = filter.shape[0], .side = side};
}

Result<Feature> NetworkWriter::separable(const std::string& name, const Feature& input,
                                         int64_t out_channels, int64_t stride) {
  const auto depthwise = TRY(weight(name + "/depthwise_filter", {3, 3, input.channels, 1}));
  const auto pointwise =
      TRY(weight(name + "/pointwise_filter", {1, 1, input.channels, out_channels}));
  const auto bias = TRY(weight(name + "/bias", {out_channels}));
  const Feature spread =
      convolution(name + "/depthwise", input, to_onnx_filter(depthwise, FilterKind::Depthwise), {},
                  {.kernel = 3, .stride = stride});
  return convolution(name, spread, to_onnx_filter(pointwise, FilterKind::Ordinary), bias,
                     {.kernel = 1});
}

Feature NetworkWriter::max_pool(const std::string& name, const Feature& input, int64_t stride) {
  const int64_t side = (input.side + stride - 1) / stride;
  const int64_t after = std::max<int64_t>((side - 1) * stride + 2 - input.side, 0);
  return {.name = node("MaxPool", {input.name}, name,
                       {{"kernel_shape", std::vector<int64_t>{2, 2}},
                        {"strides", std::vector<int64_t>{stride, stride}},
                        {"pads", std::vector<int64_t>{0, 0, after, after}}}),
          .channels = input.channels,
          .side = side};
}

Feature NetworkWriter::add(const std::string& name, const Feature& a, const Feature& b) {
  return {.name = node("Add", {a.name, b.name}, name), .channels = a.channels, .side = a.side};
}

Feature NetworkWriter::pad(const Feature& input, int64_t side, int64_t channels) {
  if (input.side == side && input.channels == channels) return input;
  const std::string name = input.name + "/padded";
  const int64_t more_channels = channels - input.channels;
  const int64_t more_side = side - input.side;
  graph_.add_initializer(name + "/pads", nn::IntegerTensor{.shape = {8},
                                                           .values = {0, 0, 0, 0, 0, more_channels,
                                                                      more_side, more_side}});
  return {
      .name = node("Pad", {input.name, name + "/pads"}, name), .channels = channels, .side = side};
}

std::string NetworkWriter::channel_means(const Feature& input) {
  node("GlobalAveragePool", {input.name}, "mean");
  return node("Flatten", {"mean"}, "mean/flat", {{"axis", int64_t{1}}});
}

}  // namespace faceforge::packs
