// Networks on bytes, against the integer arithmetic that ONNX defines, written out here.

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/quantized_fusion.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

std::mt19937& random_numbers() {
  static std::mt19937 random(11);
  return random;
}

Tensor noise(Shape shape, float low, float high) {
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

ByteLayer random_layer(std::string name, Bytes source, Shape weight_shape) {
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
std::string add(GraphBuilder& builder, const ByteLayer& layer, const std::string& from) {
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
Tensor computed(const ByteLayer& layer, const Tensor& from) {
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
Tensor mapped(Tensor tensor, Function&& function) {
  const int64_t channels = tensor.shape[1];
  const int64_t pixels = element_count(tensor.shape) / tensor.shape[0] / channels;
  for (size_t index = 0; index < tensor.values.size(); ++index) {
    const auto channel = static_cast<size_t>(static_cast<int64_t>(index) / pixels % channels);
    tensor.values[index] = function(tensor.values[index], channel);
  }
  return tensor;
}

Network parsed(const GraphBuilder& builder) {
  const auto bytes = builder.serialize();
  EXPECT_TRUE(bytes) << bytes.error().message;
  auto network = Network::parse(*bytes);
  EXPECT_TRUE(network) << network.error().message;
  return *network;
}

/// A number on the border between two bytes may fall to either side once a layer before it has
/// rounded in another order: `steps` of the last layer's products are let pass.
void expect_equal(const Tensor& ours, const Tensor& expected, float tolerance) {
  ASSERT_EQ(ours.shape, expected.shape);
  for (size_t index = 0; index < ours.values.size(); ++index) {
    ASSERT_NEAR(ours.values[index], expected.values[index], tolerance) << "at " << index;
  }
}

/// Runs what `build` makes of "x" and compares the results that it names with `expected`.
void expect_results(const Tensor& input, const std::vector<Tensor>& expected, float tolerance,
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

void expect_result(const Tensor& input, const Tensor& expected, float tolerance,
                   const std::function<std::string(GraphBuilder&)>& build) {
  expect_results(input, {expected}, tolerance,
                 [&](GraphBuilder& builder) { return std::vector{build(builder)}; });
}

constexpr float kRounding = 2e-4F;  // of 32-bit floats near 30, in another order

TEST(Quantized, AConvolutionIsTheIntegerSumWhateverItsZeroPointBorderAndStride) {
  for (const int zero : {0, 3, 128, 255}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t pad : {0, 1}) {
        ByteLayer layer = random_layer("conv", {0.02F, zero}, {24, 16, 3, 3});
        layer.stride = stride;
        layer.pad = pad;
        const Tensor input = noise({2, 16, 9, 7}, -3, 3);
        expect_result(input, computed(layer, input), kRounding,
                      [&](GraphBuilder& builder) { return add(builder, layer, "x"); });
      }
    }
  }
}

ByteLayer random_depthwise(std::string name, Bytes source, int64_t channels, int64_t stride) {
  ByteLayer layer = random_layer(std::move(name), source, {channels, 1, 3, 3});
  layer.groups = channels;
  layer.stride = stride;
  layer.pad = 1;
  return layer;
}

TEST(Quantized, EveryChannelOfItsOwnIsTheIntegerSum) {
  for (const int zero : {0, 77}) {
    for (const int64_t channels : {3, 20, 70}) {
      for (const int64_t stride : {1, 2}) {
        const ByteLayer layer = random_depthwise("depthwise", {0.02F, zero}, channels, stride);
        const Tensor input = noise({2, channels, 9, 7}, -2, 3);
        expect_result(input, computed(layer, input), kRounding,
                      [&](GraphBuilder& builder) { return add(builder, layer, "x"); });
      }
    }
  }
}

/// The largest of each 2 x 2 pixels; an odd row or column at the end is left out.
Tensor halved(const Tensor& from) {
  const int64_t rows = from.shape[2] / 2, columns = from.shape[3] / 2;
  Tensor to{{from.shape[0], from.shape[1], rows, columns}, {}};
  for (int64_t index = 0; index < element_count(to.shape); ++index) {
    const int64_t plane = index / (rows * columns), row = index / columns % rows;
    const int64_t first = (plane * from.shape[2] + row * 2) * from.shape[3] + index % columns * 2;
    const auto at = [&](int64_t offset) {
      return from.values[static_cast<size_t>(first + offset)];
    };
    to.values.push_back(std::max({at(0), at(1), at(from.shape[3]), at(from.shape[3] + 1)}));
  }
  return to;
}

TEST(Quantized, WhatFollowsAChannelOfItsOwnMayBeComputedWithIt) {
  const Tensor slopes = noise({20, 1, 1}, 0, 0.9F), falling = noise({20, 1, 1}, -0.9F, -0.1F);
  for (const std::string function : {"", "Relu", "PRelu", "falling PRelu"}) {
    for (const bool pools : {false, true}) {
      for (const bool to_bytes : {false, true}) {
        for (const int64_t rows : {8, 9}) {
          const Tensor input = noise({2, 20, rows, 6}, -2, 3);
          const ByteLayer layer = random_depthwise("depthwise", {0.02F, 77}, 20, 1);
          const ByteLayer next = random_layer("next", {0.125F, 90}, {8, 20, 1, 1});
          const Tensor& by = function == "PRelu" ? slopes : falling;
          Tensor expected = mapped(computed(layer, input), [&](float x, size_t channel) {
            if (function.empty() || x > 0) return x;
            return function == "Relu" ? 0.0F : x * by.values[channel];
          });
          if (pools) expected = halved(expected);
          if (to_bytes) expected = computed(next, expected);
          // As below: one byte to either side.
          const float tolerance = to_bytes ? 0.17F : kRounding;
          expect_result(input, expected, tolerance, [&](GraphBuilder& builder) {
            std::string at = add(builder, layer, "x");
            if (!function.empty()) {
              builder.add_initializer("slopes", by);
              const bool is_relu = function == "Relu";
              builder.add_node({is_relu ? "Relu" : "PRelu",
                                is_relu ? std::vector{at} : std::vector<std::string>{at, "slopes"},
                                {"f"}});
              at = "f";
            }
            if (pools) {
              builder.add_node({"MaxPool",
                                {at},
                                {"pool"},
                                {{"kernel_shape", std::vector<int64_t>{2, 2}},
                                 {"strides", std::vector<int64_t>{2, 2}}}});
              at = "pool";
            }
            return to_bytes ? add(builder, next, at) : at;
          });
        }
      }
    }
  }
}

TEST(Quantized, ConsumersOfOneResultMayWantOtherBordersAndOtherBytes) {
  const Tensor input = noise({2, 16, 7, 5}, -2, 2);
  for (const int other_zero : {90, 91}) {
    const ByteLayer first = random_layer("first", {0.02F, 128}, {20, 16, 1, 1});
    const Tensor between = computed(first, input);
    const Bytes bytes{0.125F, 90};
    std::vector<ByteLayer> consumers{random_layer("a", bytes, {8, 20, 1, 1}),
                                     random_layer("b", bytes, {8, 20, 3, 3}),
                                     random_layer("c", bytes, {8, 20, 5, 5}),
                                     random_layer("d", {0.125F, other_zero}, {8, 20, 3, 3})};
    consumers[1].pad = consumers[3].pad = 1;
    consumers[2].pad = 2;
    std::vector<Tensor> expected;
    for (const ByteLayer& layer : consumers) expected.push_back(computed(layer, between));
    expect_results(input, expected, 0.17F, [&](GraphBuilder& builder) {
      std::vector<std::string> results;
      add(builder, first, "x");
      for (const ByteLayer& layer : consumers) results.push_back(add(builder, layer, "first"));
      return results;
    });
  }
}

TEST(Quantized, AConvolutionOfSinglePixelsMaySkipRowsAndColumns) {
  // Of floats, of bytes that another consumer wants whole, and of what a border lies around.
  const Tensor input = noise({2, 16, 9, 6}, -2, 2);
  for (const int zero : {0, 90}) {
    for (const int64_t pad : {0, 1}) {
      for (const bool is_whole_first : {false, true}) {
        ByteLayer skips = random_layer("skips", {0.02F, zero}, {20, 16, 1, 1});
        skips.stride = 2;
        skips.pad = pad;
        const ByteLayer whole = random_layer("whole", {0.02F, zero}, {8, 16, 1, 1});
        expect_results(input, {computed(skips, input), computed(whole, input)}, kRounding,
                       [&](GraphBuilder& builder) {
                         if (is_whole_first) add(builder, whole, "x");
                         add(builder, skips, "x");
                         if (!is_whole_first) add(builder, whole, "x");
                         return std::vector<std::string>{"skips", "whole"};
                       });
      }
    }
  }
}

TEST(Quantized, WhatIsAnOutputTooStaysFloats) {
  const Tensor input = noise({1, 16, 6, 6}, -2, 2);
  const ByteLayer first = random_layer("first", {0.02F, 128}, {16, 16, 1, 1});
  const ByteLayer depthwise = random_depthwise("depthwise", {0.125F, 90}, 16, 1);
  const ByteLayer last = random_layer("last", {0.125F, 90}, {16, 16, 1, 1});
  const Tensor one = computed(first, input), two = computed(depthwise, one);
  const auto build = [&](GraphBuilder& builder) {
    add(builder, last, add(builder, depthwise, add(builder, first, "x")));
  };
  expect_results(input, {one, computed(last, two)}, 0.17F, [&](GraphBuilder& builder) {
    build(builder);
    return std::vector<std::string>{"first", "last"};
  });
  expect_results(input, {two, computed(last, two)}, 0.17F, [&](GraphBuilder& builder) {
    build(builder);
    return std::vector<std::string>{"depthwise", "last"};
  });
}

TEST(Quantized, AMatrixIsTheIntegerSum) {
  const ByteLayer layer = random_layer("matrix", {0.03F, 100}, {30, 50});
  const Tensor input = noise({3, 50}, -3, 4);
  expect_result(input, computed(layer, input), kRounding,
                [&](GraphBuilder& builder) { return add(builder, layer, "x"); });
}

TEST(Quantized, SumsOfTheLargestBytesDoNotSaturate) {
  // 255 * 127 * 2 is beyond 16 bits, where processors without VNNI add pairs of products.
  ByteLayer layer = random_layer("conv", {1, 0}, {16, 64, 1, 1});
  std::ranges::fill(layer.weights.values, int8_t{127});
  std::ranges::fill(layer.scales, 0.001F);
  const Tensor input = noise({1, 64, 4, 4}, 300, 400);
  expect_result(input, computed(layer, input), 1e-2F,  // near 2000
                [&](GraphBuilder& builder) { return add(builder, layer, "x"); });
}

TEST(Quantized, WhatStandsBetweenTwoConvolutionsIsComputedBeforeTheSecondRounds) {
  const Tensor input = noise({1, 16, 8, 8}, -2, 2);
  const Tensor slopes = noise({16, 1, 1}, -0.5F, 0.9F);
  const Tensor gains = noise({16}, 0.5F, 1.5F), shifts = noise({16}, -1, 1);
  for (const std::string function : {"PRelu", "Relu", "LeakyRelu", "BatchNormalization", ""}) {
    for (const auto& [zero, pad] : {std::pair{0, 0}, {0, 1}, {90, 0}, {90, 1}}) {
      ByteLayer first = random_layer("first", {0.02F, 128}, {16, 16, 3, 3});
      const int64_t side = 1 + 2 * pad;
      ByteLayer second = random_layer("second", {0.125F, zero}, {16, 16, side, side});
      first.pad = 1;
      second.pad = pad;
      const Tensor between = mapped(computed(first, input), [&](float x, size_t channel) {
        if (function == "PRelu") return x > 0 ? x : x * slopes.values[channel];
        if (function == "Relu") return std::max(x, 0.0F);
        if (function == "LeakyRelu") return x > 0 ? x : x * 0.25F;
        if (function.empty()) return x;
        return x * gains.values[channel] + shifts.values[channel];
      });
      // One number that rounds to the next byte moves a sum by 0.125 * 127 * 0.01.
      expect_result(input, computed(second, between), 0.17F, [&](GraphBuilder& builder) {
        std::string at = add(builder, first, "x");
        if (function == "BatchNormalization") {
          builder.add_initializer("gain", gains);
          builder.add_initializer("shift", shifts);
          builder.add_initializer("mean", Tensor{{16}, std::vector<float>(16, 0)});
          builder.add_initializer("variance", Tensor{{16}, std::vector<float>(16, 1)});
          builder.add_node(
              {function, {at, "gain", "shift", "mean", "variance"}, {"f"}, {{"epsilon", 0.0F}}});
          at = "f";
        } else if (!function.empty()) {
          builder.add_initializer("slopes", slopes);
          std::vector<std::string> operands{at};
          if (function == "PRelu") operands.emplace_back("slopes");
          std::map<std::string, AttributeValue> attributes;
          if (function == "LeakyRelu") attributes["alpha"] = 0.25F;
          builder.add_node({function, operands, {"f"}, attributes});
          at = "f";
        }
        return add(builder, second, at);
      });
    }
  }
}

TEST(Quantized, AResidualSumKeepsItsFloats) {
  const Tensor input = noise({1, 16, 6, 6}, -2, 2);
  ByteLayer layer = random_layer("conv", {0.02F, 128}, {16, 16, 3, 3});
  layer.pad = 1;
  Tensor expected = computed(layer, input);
  for (size_t index = 0; index < expected.values.size(); ++index) {
    expected.values[index] += input.values[index];
  }
  expect_result(input, expected, kRounding, [&](GraphBuilder& builder) {
    builder.add_node({"Add", {add(builder, layer, "x"), "x"}, {"sum"}});
    return std::string("sum");
  });
}

TEST(Quantized, AConvolutionAndASumMayWantTheSameNumbers) {
  // The function between them may not be left to the one who rounds.
  const Tensor input = noise({1, 16, 6, 6}, -2, 2);
  ByteLayer first = random_layer("first", {0.02F, 128}, {16, 16, 1, 1});
  const ByteLayer second = random_layer("second", {0.125F, 0}, {16, 16, 1, 1});
  const Tensor between =
      mapped(computed(first, input), [](float x, size_t) { return x > 0 ? x : x * 0.25F; });
  Tensor expected = computed(second, between);
  for (size_t index = 0; index < expected.values.size(); ++index) {
    expected.values[index] += between.values[index];
  }
  expect_result(input, expected, 0.17F, [&](GraphBuilder& builder) {
    builder.add_node({"LeakyRelu", {add(builder, first, "x")}, {"f"}, {{"alpha", 0.25F}}});
    builder.add_node({"Add", {add(builder, second, "f"), "f"}, {"sum"}});
    return std::string("sum");
  });
}

TEST(Quantized, APairWithoutAConvolutionRoundsAndSaturates) {
  const Tensor input{{1, 6}, {-2, -0.26F, 0.24F, 0.26F, 3, 1000}};
  // scale 0.5, zero point 2: from -1 to 126.5
  expect_result(input, {{1, 6}, {-1, -0.5F, 0, 0.5F, 3, 126.5F}}, 0, [](GraphBuilder& builder) {
    builder.add_initializer("s", Tensor{{}, {0.5F}});
    builder.add_initializer("z", UnsignedByte{2});
    builder.add_node({"QuantizeLinear", {"x", "s", "z"}, {"q"}});
    builder.add_node({"DequantizeLinear", {"q", "s", "z"}, {"d"}});
    return std::string("d");
  });
}

TEST(Quantized, AQuantizedWeightThatNoByteKernelTakesIsFloats) {
  const Tensor input{{1, 2}, {10, 1}};
  expect_result(input, {{1, 2}, {10 + 0.5F * -3, 1 + 0.5F * 4}}, 1e-6F, [](GraphBuilder& builder) {
    builder.add_initializer("w", ByteTensor{{2}, {-3, 4}});
    builder.add_initializer("s", Tensor{{}, {0.5F}});
    builder.add_node({"DequantizeLinear", {"w", "s"}, {"wd"}});
    builder.add_node({"Add", {"x", "wd"}, {"sum"}});
    return std::string("sum");
  });
}

TEST(Quantized, ManyBytesAreWeightsAndNothingElse) {
  for (const int64_t count : {100, 100'000}) {
    GraphBuilder builder("test");
    builder.add_input({"x", {1}});
    builder.add_initializer(
        "w", ByteTensor{{count}, std::vector<int8_t>(static_cast<size_t>(count), 1)});
    builder.add_node({"Neg", {"w"}, {"negative"}});
    builder.add_node({"Abs", {"x"}, {"y"}});
    builder.add_output({"y", {1}});
    const auto network = Network::parse(*builder.serialize());
    EXPECT_EQ(network.has_value(), count == 100);
    if (!network) {
      EXPECT_EQ(network.error().reason, "operator_unsupported");
    }
  }
}

Result<Network> with_pair(float scale, float other_scale, bool dequantizes) {
  GraphBuilder builder("test");
  builder.add_input({"x", {1, 4}});
  builder.add_initializer("s", Tensor{{}, {scale}});
  builder.add_initializer("t", Tensor{{}, {other_scale}});
  builder.add_node({"QuantizeLinear", {"x", "s"}, {"q"}});
  if (dequantizes) {
    builder.add_node({"DequantizeLinear", {"q", "t"}, {"d"}});
    builder.add_output({"d", {1, 4}});
  } else {
    builder.add_node({"Abs", {"q"}, {"d"}});
    builder.add_output({"d", {1, 4}});
  }
  return Network::parse(*builder.serialize());
}

TEST(Quantized, AScaleThatIsNotPositiveIsRefused) {
  for (const float scale : {0.0F, -1.0F, INFINITY}) {
    const auto network = with_pair(scale, scale, true);
    ASSERT_FALSE(network);
    EXPECT_EQ(network.error().reason, "model_malformed");
  }
}

TEST(Quantized, APairOfTwoScalesIsRefused) {
  const auto network = with_pair(1, 2, true);
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().reason, "operator_unsupported");
}

TEST(Quantized, ArithmeticOnBytesThemselvesIsRefused) {
  const auto network = with_pair(1, 1, false);
  ASSERT_TRUE(network);  // known only when it runs
  const auto outputs = network->run(Tensor{{1, 4}, {1, 2, 3, 4}});
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().reason, "operator_unsupported");
}

TEST(Quantized, ConvolutionsRunOnBytesWhereTheProcessorAddsThemExactly) {
  if (!adds_bytes_exactly()) GTEST_SKIP() << "no VNNI";
  GraphBuilder builder("test");
  builder.add_input({"x", {1, 64, 14, 14}});
  ByteLayer layer = random_layer("conv", {0.02F, 10}, {64, 64, 3, 3});
  layer.pad = 1;
  builder.add_output({add(builder, layer, "x"), {}});
  const auto kernels = parsed(builder).implementations(std::vector<int64_t>{1, 64, 14, 14});
  ASSERT_TRUE(kernels);
  EXPECT_TRUE(std::ranges::any_of(*kernels, [](const std::string& kernel) {
    return kernel.starts_with("conv: ") &&
           (kernel.find("vnni") != std::string::npos || kernel.find("int8") != std::string::npos ||
            kernel.find("amx") != std::string::npos);
  }));
}

}  // namespace
}  // namespace faceforge::nn
