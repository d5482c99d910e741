// In which form the bytes between layers lie: whole, in borders, halved by a maximum, or as floats,
// against the same integer arithmetic.

#include "nn/depthwise_bytes.h"
#include "nn/processor.h"
#include "nn/quantized_fusion.h"
#include "nn/quantized_test_layers.h"

namespace faceforge::nn {
namespace {

using namespace test;

TEST(QuantizedForms, EveryChannelOfItsOwnIsTheIntegerSum) {
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

/// Of 8 channels several pixels are convolved at once, and no maximum is taken on the way.
class DepthwiseOf : public testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(QuantizedForms, DepthwiseOf, testing::Values(8, 20),
                         testing::PrintToStringParamName());

TEST_P(DepthwiseOf, WhatFollowsAChannelOfItsOwnMayBeComputedWithIt) {
  const int64_t channels = GetParam();
  const Tensor slopes = noise({channels, 1, 1}, 0, 0.9F),
               falling = noise({channels, 1, 1}, -0.9F, -0.1F);
  for (const std::string function : {"", "Relu", "PRelu", "falling PRelu"}) {
    for (const bool pools : {false, true}) {
      for (const bool to_bytes : {false, true}) {
        for (const int64_t rows : {8, 9}) {
          const Tensor input = noise({2, channels, rows, 6}, -2, 3);
          const ByteLayer layer = random_depthwise("depthwise", {0.02F, 77}, channels, 1);
          const ByteLayer next = random_layer("next", {0.125F, 90}, {8, channels, 1, 1});
          const Tensor& by = function == "PRelu" ? slopes : falling;
          Tensor expected = mapped(computed(layer, input), [&](float x, size_t channel) {
            if (function.empty() || x > 0) return x;
            return function == "Relu" ? 0.0F : x * by.values[channel];
          });
          if (pools) expected = halved(expected);
          if (to_bytes) expected = computed(next, expected);
          // One number that rounds to the next byte moves a sum by 0.125 * 127 * 0.01.
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

TEST(QuantizedForms, ConsumersOfOneResultMayWantOtherBordersAndOtherBytes) {
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

TEST(QuantizedForms, AConvolutionOfSinglePixelsMaySkipRowsAndColumns) {
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

TEST(QuantizedForms, WhatIsAnOutputTooStaysFloats) {
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

/// Rounded to sixteenths, of which floats hold every sum of a few products.
Tensor sixteenths(Tensor tensor) {
  for (float& value : tensor.values) value = std::round(value * 16) / 16;
  return tensor;
}

/// A first convolution on floats with 3 x 3 kernels and a border of one pixel.
struct FloatStem {
  Tensor weights, bias;
  int64_t stride;
  std::string function;  ///< none, ReLU, or PReLU
  Tensor slopes;

  FloatStem(int64_t to_channels, int64_t stride_between, std::string end)
      : weights(sixteenths(noise({to_channels, 3, 3, 3}, -1, 1))),
        bias(sixteenths(noise({to_channels}, -1, 1))),
        stride(stride_between),
        function(std::move(end)),
        slopes(sixteenths(noise({to_channels, 1, 1}, -1, 1))) {}

  std::string add_to(GraphBuilder& builder, const std::string& from) const {
    builder.add_initializer("stem_w", weights);
    builder.add_initializer("stem_b", bias);
    builder.add_initializer("stem_slopes", slopes);
    builder.add_node(
        {"Conv",
         {from, "stem_w", "stem_b"},
         {"stem"},
         {{"strides", std::vector{stride, stride}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}}});
    if (function.empty()) return "stem";
    const std::vector<std::string> both{"stem", "stem_slopes"};
    builder.add_node({function, function == "Relu" ? std::vector{both[0]} : both, {"end"}});
    return "end";
  }

  Tensor computed(const Tensor& from) const {
    const int64_t rows = from.shape[2], columns = from.shape[3];
    Tensor to{
        {from.shape[0], weights.shape[0], (rows - 1) / stride + 1, (columns - 1) / stride + 1}, {}};
    const int64_t pixels = to.shape[2] * to.shape[3];
    for (int64_t index = 0; index < element_count(to.shape); ++index) {
      const int64_t picture = index / pixels / to.shape[1], channel = index / pixels % to.shape[1];
      double sum = static_cast<double>(bias.values[static_cast<size_t>(channel)]);
      for (int64_t tap = 0; tap < 27; ++tap) {
        const int64_t row = index % pixels / to.shape[3] * stride - 1 + tap / 3 % 3;
        const int64_t column = index % to.shape[3] * stride - 1 + tap % 3;
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        const int64_t at = ((picture * 3 + tap / 9) * rows + row) * columns + column;
        sum += static_cast<double>(from.values[static_cast<size_t>(at)]) *
               static_cast<double>(weights.values[static_cast<size_t>(channel * 27 + tap)]);
      }
      to.values.push_back(static_cast<float>(sum));
    }
    return mapped(to, [&](float x, size_t channel) {
      if (function.empty() || x > 0) return x;
      return function == "Relu" ? 0.0F : x * slopes.values[channel];
    });
  }
};

/// Runs a first convolution and layers on bytes that read its result; compares what they give.
///
/// in: `makes_bytes` when its kernel must have made the bytes itself
void expect_after_stem(const FloatStem& stem, const std::vector<ByteLayer>& consumers,
                       bool makes_bytes) {
  const Tensor input = sixteenths(noise({2, 3, 9, 37}, -2, 2));
  const Tensor between = stem.computed(input);
  std::vector<Tensor> expected;
  for (const ByteLayer& layer : consumers) expected.push_back(computed(layer, between));
  const auto build = [&](GraphBuilder& builder) {
    const std::string from = stem.add_to(builder, "x");
    std::vector<std::string> results;
    for (const ByteLayer& layer : consumers) results.push_back(add(builder, layer, from));
    return results;
  };
  // Sums of floats reach further than elsewhere; one wrong byte moves most of them by 0.02.
  expect_results(input, expected, 5 * kRounding, build);

  GraphBuilder builder("test");
  builder.add_input({"x", Shape(4, -1)});
  for (const std::string& result : build(builder)) builder.add_output({result, {}});
  const auto kernels = parsed(builder).implementations(input.shape);
  ASSERT_TRUE(kernels);
  const auto makes = [](const std::string& kernel) { return kernel.ends_with("stem_to_bytes"); };
  EXPECT_EQ(std::ranges::count_if(*kernels, makes), makes_bytes ? 1 : 0);
}

TEST(QuantizedForms, AFirstConvolutionOnFloatsMakesTheBytesThatItsConsumersWant) {
  const bool makes_bytes = adds_bytes_exactly() && vector_lanes() == 16;
  for (const std::string function : {"", "Relu", "PRelu"}) {
    for (const int64_t stride : {1, 2}) {
      for (const int zero : {0, 90, 255}) {
        SCOPED_TRACE(function + ", stride " + std::to_string(stride) + ", zero at " +
                     std::to_string(zero));
        const FloatStem stem(20, stride, function);
        const Bytes bytes{0.0625F, zero};
        ByteLayer bordered = random_layer("bordered", bytes, {8, 20, 3, 3});
        bordered.pad = 1;
        ByteLayer skips = random_layer("skips", bytes, {8, 20, 1, 1});
        skips.stride = 2;
        const ByteLayer depthwise = random_depthwise("depthwise", bytes, 20, stride);
        expect_after_stem(stem, {bordered, depthwise}, makes_bytes);
        expect_after_stem(stem, {skips}, makes_bytes);
      }
    }
  }
}

TEST(QuantizedForms, AFirstConvolutionMakesNoBytesWhereItsConsumersWantOthers) {
  const FloatStem stem(20, 2, "PRelu");
  expect_after_stem(stem,
                    {random_layer("a", {0.0625F, 90}, {8, 20, 1, 1}),
                     random_layer("b", {0.0625F, 91}, {8, 20, 1, 1})},
                    false);
}

TEST(QuantizedForms, BytesAloneLieBetweenConvolutionsThatWantNothingElse) {
  if (!adds_bytes_exactly()) GTEST_SKIP() << "no VNNI";
  const Bytes bytes{0.125F, 90};
  ByteLayer bordered = random_layer("bordered", bytes, {16, 16, 3, 3});
  bordered.pad = 1;
  GraphBuilder builder("test");
  builder.add_input({"x", {1, 16, 12, 12}});
  std::string at = add(builder, random_layer("first", {0.02F, 128}, {16, 16, 1, 1}), "x");
  at = add(builder, random_depthwise("depthwise", bytes, 16, 1), at);
  builder.add_node({"Relu", {at}, {"relu"}});
  at = add(builder, random_layer("second", bytes, {16, 16, 1, 1}), "relu");
  builder.add_output({add(builder, bordered, at), {}});
  const auto kernels = parsed(builder).implementations(std::vector<int64_t>{1, 16, 12, 12});
  ASSERT_TRUE(kernels);
  const auto count = [&](const std::string& name) {
    return std::ranges::count_if(
        *kernels, [&](const std::string& kernel) { return kernel.ends_with(": " + name); });
  };
  EXPECT_EQ(count("faceforge:quantize"), 1);  // of the input
  EXPECT_EQ(count("faceforge:depthwise_bytes"), has_byte_depthwise() ? 1 : 0);
  EXPECT_EQ(count("faceforge:border"), has_byte_depthwise() ? 1 : 2);
}

}  // namespace
}  // namespace faceforge::nn
