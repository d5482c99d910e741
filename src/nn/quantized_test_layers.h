#pragma once

// Layers on bytes as networks of other tools have them, and what they compute in integers.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn::test {

inline std::mt19937& random_numbers() {
  static std::mt19937 random(11);
  return random;
}

inline Tensor noise(Shape shape, float low, float high) {
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(element_count(shape)))};
  std::uniform_real_distribution<float> uniform(low, high);
  for (float& value : tensor.values) value = uniform(random_numbers());
  return tensor;
}

struct Bytes {
  float scale = 1;
  int zero = 0;
  /// source: ONNX, QuantizeLinear-13: saturate(round half to even(x / scale) + zero)
  int from(float x) const {
    return std::clamp(static_cast<int>(std::nearbyint(x / scale)) + zero, 0, 255);
  }
};

struct ByteLayer {
  std::string name;
  Bytes source;
  ByteTensor weights;  ///< [out, in / groups, side, side]
  std::vector<float> scales, bias;
  int64_t groups = 1, stride = 1, pad = 0;
};

inline ByteLayer random_layer(std::string name, Bytes source, Shape weight_shape) {
  ByteLayer layer{std::move(name), source, {weight_shape, {}}, {}, {}};
  std::uniform_int_distribution<int> bytes(-127, 127);
  std::uniform_real_distribution<float> scales(0.001F, 0.01F), biases(-1, 1);
  for (int64_t index = 0; index < element_count(weight_shape); ++index) {
    layer.weights.values.push_back(static_cast<int8_t>(bytes(random_numbers())));
  }
  for (int64_t row = 0; row < weight_shape[0]; ++row) {
    layer.scales.push_back(scales(random_numbers()));
    layer.bias.push_back(biases(random_numbers()));
  }
  return layer;
}

/// Adds the layer as other tools write it; returns the name of its result.
inline std::string add(GraphBuilder& builder, const ByteLayer& layer, const std::string& from) {
  const std::string& name = layer.name;
  const auto rows = static_cast<int64_t>(layer.scales.size());
  builder.add_initializer(name + "_s", Tensor{{}, {layer.source.scale}});
  builder.add_initializer(name + "_z", UnsignedByte{static_cast<uint8_t>(layer.source.zero)});
  builder.add_initializer(name + "_w", layer.weights);
  builder.add_initializer(name + "_ws", Tensor{{rows}, layer.scales});
  builder.add_initializer(name + "_b", Tensor{{rows}, layer.bias});
  builder.add_node({"QuantizeLinear", {from, name + "_s", name + "_z"}, {name + "_q"}});
  builder.add_node({"DequantizeLinear", {name + "_q", name + "_s", name + "_z"}, {name + "_d"}});
  builder.add_node(
      {"DequantizeLinear", {name + "_w", name + "_ws"}, {name + "_wd"}, {{"axis", int64_t{0}}}});
  const bool is_conv = layer.weights.shape.size() == 4;
  std::map<std::string, AttributeValue> attributes{{"transB", int64_t{1}}};
  if (is_conv) {
    const int64_t pad = layer.pad, stride = layer.stride;
    attributes = {{"group", layer.groups},
                  {"strides", std::vector{stride, stride}},
                  {"pads", std::vector{pad, pad, pad, pad}}};
  }
  builder.add_node(
      {is_conv ? "Conv" : "Gemm", {name + "_d", name + "_wd", name + "_b"}, {name}, attributes});
  return name;
}

/// The layer in 64-bit integers and doubles.
inline Tensor computed(const ByteLayer& layer, const Tensor& from) {
  const Shape& weights = layer.weights.shape;
  const bool is_conv = weights.size() == 4;
  const int64_t side = is_conv ? weights[2] : 1;
  const int64_t rows = is_conv ? from.shape[2] : 1, columns = is_conv ? from.shape[3] : 1;
  const int64_t to_rows = (rows + 2 * layer.pad - side) / layer.stride + 1;
  const int64_t to_columns = (columns + 2 * layer.pad - side) / layer.stride + 1;
  Tensor to{{from.shape[0], weights[0]}, {}};
  if (is_conv) to.shape.insert(to.shape.end(), {to_rows, to_columns});
  for (int64_t picture = 0; picture < from.shape[0]; ++picture) {
    for (int64_t out = 0; out < weights[0]; ++out) {
      const int64_t group = out / (weights[0] / layer.groups);
      for (int64_t place = 0; place < to_rows * to_columns; ++place) {
        int64_t sum = 0;
        for (int64_t tap = 0; tap < weights[1] * side * side; ++tap) {
          const int64_t in = group * weights[1] + tap / (side * side);
          const int64_t row = place / to_columns * layer.stride - layer.pad + tap / side % side;
          const int64_t column = place % to_columns * layer.stride - layer.pad + tap % side;
          if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
          const int64_t at = ((picture * from.shape[1] + in) * rows + row) * columns + column;
          sum += (layer.source.from(from.values[static_cast<size_t>(at)]) - layer.source.zero) *
                 layer.weights.values[static_cast<size_t>(out * weights[1] * side * side + tap)];
        }
        const auto channel = static_cast<size_t>(out);
        to.values.push_back(static_cast<float>(static_cast<double>(sum) * layer.source.scale *
                                                   layer.scales[channel] +
                                               layer.bias[channel]));
      }
    }
  }
  return to;
}

template <typename Function>
inline Tensor mapped(Tensor tensor, Function&& function) {
  const int64_t channels = tensor.shape[1];
  const int64_t pixels = element_count(tensor.shape) / tensor.shape[0] / channels;
  for (size_t index = 0; index < tensor.values.size(); ++index) {
    const auto channel = static_cast<size_t>(static_cast<int64_t>(index) / pixels % channels);
    tensor.values[index] = function(tensor.values[index], channel);
  }
  return tensor;
}

inline Network parsed(const GraphBuilder& builder) {
  const auto bytes = builder.serialize();
  EXPECT_TRUE(bytes) << bytes.error().message;
  auto network = Network::parse(*bytes);
  EXPECT_TRUE(network) << network.error().message;
  return *network;
}

/// A number on the border between two bytes may fall to either side once a layer before it has
/// rounded in another order: `steps` of the last layer's products are let pass.
inline void expect_equal(const Tensor& ours, const Tensor& expected, float tolerance) {
  ASSERT_EQ(ours.shape, expected.shape);
  for (size_t index = 0; index < ours.values.size(); ++index) {
    ASSERT_NEAR(ours.values[index], expected.values[index], tolerance) << "at " << index;
  }
}

/// Runs what `build` makes of "x" and compares the results that it names with `expected`.
inline void expect_results(const Tensor& input, const std::vector<Tensor>& expected,
                           float tolerance,
                           const std::function<std::vector<std::string>(GraphBuilder&)>& build) {
  GraphBuilder builder("test");
  builder.add_input({"x", Shape(input.shape.size(), -1)});
  for (const std::string& result : build(builder)) builder.add_output({result, {}});
  const Network network = parsed(builder);
  const auto outputs = network.run(input);
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), expected.size());
  for (size_t index = 0; index < expected.size(); ++index) {
    SCOPED_TRACE("output " + std::to_string(index));
    expect_equal((*outputs)[index], expected[index], tolerance);
  }
  const auto kernels = network.implementations(input.shape);
  ASSERT_TRUE(kernels);
  for (const std::string& kernel : *kernels) {
    EXPECT_EQ(kernel.find(": ref"), std::string::npos) << kernel;
  }
}

inline void expect_result(const Tensor& input, const Tensor& expected, float tolerance,
                          const std::function<std::string(GraphBuilder&)>& build) {
  expect_results(input, {expected}, tolerance,
                 [&](GraphBuilder& builder) { return std::vector{build(builder)}; });
}

inline constexpr float kRounding = 2e-4F;  // of 32-bit floats near 30, in another order

inline ByteLayer random_depthwise(std::string name, Bytes source, int64_t channels,
                                  int64_t stride) {
  ByteLayer layer = random_layer(std::move(name), source, {channels, 1, 3, 3});
  layer.groups = channels;
  layer.stride = stride;
  layer.pad = 1;
  return layer;
}

}  // namespace faceforge::nn::test
