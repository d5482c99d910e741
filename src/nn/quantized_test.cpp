// Networks on bytes, against the integer arithmetic that ONNX defines, written out here.

#include "nn/quantized_fusion.h"
#include "nn/quantized_test_layers.h"

namespace faceforge::nn {
namespace {

using namespace test;

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
