#include "nn/stem.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "nn/kernels_quantize.h"
#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/processor.h"
#include "nn/shape.h"
#include "nn/thread_team.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/stem_kernel.h"
#include "nn/wide_kernel_test.h"

/// Beyond what a stem may write.
constexpr size_t kGuard = 64;
constexpr uint8_t kUntouched = 123;

/// What leaves the result's size open: as many pads below and to the right.
StemPlan placed(StemPlan plan) {
  for (size_t side = 0; side < 2; ++side) {
    plan.result[side] = (plan.picture[side] + 2 * plan.pads[side] - 3) / plan.strides[side] + 1;
  }
  return plan;
}

/// One convolution and what it is given.
struct Example {
  StemPlan plan;
  std::vector<float> from, kernels, bias, slopes;

  explicit Example(const StemPlan& shape) : plan(placed(shape)) {
    from = noise(plan.batch * plan.from_channels * plan.picture[0] * plan.picture[1], 1);
    kernels = noise(plan.to_channels * plan.tap_count(), 2);
    bias = noise(plan.to_channels, 3);
    slopes = noise(plan.to_channels, 4);
    const auto room = static_cast<size_t>(plan.vector_count() * plan.lanes);
    bias.resize(room, 0.0F);
    slopes.resize(room, 0.0F);
  }

  /// Where a result lies.
  [[nodiscard]] size_t place(int64_t picture, int64_t channel, int64_t pixel) const {
    const int64_t pixels = plan.result[0] * plan.result[1];
    const int64_t place =
        plan.is_channels_last
            ? (picture * pixels + pixel) * plan.to_channels + channel
            : ((picture * plan.vector_count() + channel / plan.lanes) * pixels + pixel) *
                      plan.lanes +
                  channel % plan.lanes;
    return static_cast<size_t>(place);
  }

  /// The definition of a convolution, in doubles; zeros where a block has no channel.
  [[nodiscard]] std::vector<double> expected(bool scales) const {
    std::vector<double> all(static_cast<size_t>(plan.batch * plan.picture_size()));
    for (int64_t picture = 0; picture < plan.batch; ++picture) {
      for (int64_t channel = 0; channel < plan.to_channels; ++channel) {
        for (int64_t pixel = 0; pixel < plan.result[0] * plan.result[1]; ++pixel) {
          double number = sum(picture, channel, pixel) + bias[static_cast<size_t>(channel)];
          if (scales && number < 0) number *= slopes[static_cast<size_t>(channel)];
          all[place(picture, channel, pixel)] = number;
        }
      }
    }
    return all;
  }

  /// Floats or bytes, and behind them what was there before.
  template <typename Number = float>
  [[nodiscard]] std::vector<Number> computed(bool scales) const {
    std::vector<float> weights(static_cast<size_t>(plan.weight_count()));
    arrange_stem_kernels(plan, kernels.data(), weights);
    std::vector<Number> to(static_cast<size_t>(plan.batch * plan.picture_size()) + kGuard,
                           kUntouched);
    const ConvolutionTail tail{.bias = bias.data(), .slopes = scales ? slopes.data() : nullptr};
#if defined(__x86_64__)
    if (plan.lanes == 16 && vector_lanes() != 16) {
      const int64_t picture_size = plan.from_channels * plan.picture[0] * plan.picture[1];
      for (int64_t picture = 0; picture < plan.batch; ++picture) {
        for (int64_t row = 0; row < plan.result[0]; ++row) {
          wide::convolve_stem_row(plan, from.data() + picture * picture_size, weights.data(), tail,
                                  row, to.data() + picture * plan.picture_size());
        }
      }
      return to;
    }
#endif
    convolve_stem(plan, from.data(), weights.data(), tail, to.data());
    return to;
  }

  void expect_right(bool scales) const {
    const auto right = expected(scales);
    const auto ours = computed(scales);
    double largest = 0, worst = 0;
    for (size_t at = 0; at < right.size(); ++at) {
      largest = std::max(largest, std::abs(right[at]));
      worst = std::max(worst, std::abs(right[at] - static_cast<double>(ours[at])));
    }
    // Sums of at most 36 products in single precision.
    EXPECT_LE(worst, 1e-6 * largest) << description();
    for (size_t at = right.size(); at < ours.size(); ++at) {
      ASSERT_EQ(ours[at], kUntouched) << description();
    }
  }

 private:
  [[nodiscard]] double sum(int64_t picture, int64_t channel, int64_t pixel) const {
    double total = 0;
    for (int64_t tap = 0; tap < plan.tap_count(); ++tap) {
      const int64_t plane = picture * plan.from_channels + tap / 9;
      const int64_t y = pixel / plan.result[1] * plan.strides[0] - plan.pads[0] + tap / 3 % 3;
      const int64_t x = pixel % plan.result[1] * plan.strides[1] - plan.pads[1] + tap % 3;
      if (y < 0 || y >= plan.picture[0] || x < 0 || x >= plan.picture[1]) continue;
      const int64_t number = (plane * plan.picture[0] + y) * plan.picture[1] + x;
      total += static_cast<double>(from[static_cast<size_t>(number)]) *
               static_cast<double>(kernels[static_cast<size_t>(channel * plan.tap_count() + tap)]);
    }
    return total;
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("{} pictures of {}, {} to {} channels{}, strides {}, pads {}", plan.batch,
                       plan.picture, plan.from_channels, plan.to_channels,
                       plan.is_channels_last ? " last" : "", plan.strides, plan.pads);
  }
};

/// The bytes of an example are those of its floats.
void expect_bytes_of_floats(const Example& example) {
  const StemPlan& plan = example.plan;
  const auto floats = example.computed(true);
  const auto bytes = example.computed<uint8_t>(true);
  const int64_t size = plan.batch * plan.picture_size();
  const ChannelLayout layout{
      .batch = plan.batch, .pixels = plan.result[0] * plan.result[1], .block = plan.to_channels};
  const auto channels = static_cast<size_t>(plan.to_channels);
  const QuantizedPictures pictures{.from = layout,
                                   .channels = plan.to_channels,
                                   .rows = plan.result[0],
                                   .columns = plan.result[1],
                                   .scale = std::vector<float>(channels, 1 / plan.bytes.scale),
                                   .shift = std::vector<float>(channels, 0.0F),
                                   .slope = std::vector<float>(channels, 1.0F),
                                   .zero = plan.bytes.zero};
  std::vector<uint8_t> right(static_cast<size_t>(size) + kGuard, kUntouched);
  quantize_pictures(pictures, floats.data(), right.data());
  EXPECT_EQ(bytes, right) << plan.to_channels << " channels, zero at " << plan.bytes.zero;
}

class Stem : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  }
};

TEST_P(Stem, ConvolvesAsTheDefinitionSaysWhateverTheWindowAndTheLayout) {
  const std::vector<StemPlan> shapes{
      // Whole turns of pixels between the sides, some more, and fewer than one.
      {.picture = {5, 34}, .pads = {1, 1}},
      {.picture = {4, 43}, .pads = {1, 1}},
      {.picture = {6, 70}, .strides = {2, 2}, .pads = {1, 1}},
      {.picture = {7, 81}, .strides = {2, 2}, .pads = {1, 1}},
      {.picture = {8, 9}, .strides = {2, 2}, .pads = {1, 1}},
      // No border, wide ones, and windows that see nothing but it.
      {.picture = {9, 40}, .strides = {1, 2}},
      {.picture = {9, 40}, .strides = {3, 1}, .pads = {2, 5}},
      {.picture = {1, 1}, .pads = {1, 1}},
      {.picture = {2, 2}, .strides = {2, 2}, .pads = {4, 4}},
      {.batch = 2, .picture = {5, 38}, .pads = {0, 1}}};
  for (StemPlan shape : shapes) {
    shape.lanes = GetParam();
    for (const int64_t from_channels : {1, 3, 4}) {
      shape.from_channels = from_channels;
      // They fill a vector, less, a good deal less, and some of the second or third.
      for (const int64_t to_channels : {1, 4, 8, 12, 16, 24, 28}) {
        shape.to_channels = to_channels;
        for (const bool is_last : {false, true}) {
          shape.is_channels_last = is_last;
          Example(shape).expect_right(to_channels == 12);
        }
      }
    }
  }
}

TEST_P(Stem, ScalesWhatIsBelowZeroByItsChannelsSlope) {
  for (const bool is_last : {false, true}) {
    const Example example({.to_channels = 20,
                           .lanes = GetParam(),
                           .picture = {6, 45},
                           .strides = {2, 2},
                           .pads = {1, 1},
                           .is_channels_last = is_last});
    for (const bool scales : {false, true}) example.expect_right(scales);
  }
}

TEST_P(Stem, WritesTheBytesOfItsFloats) {
  // Most numbers lie within the bytes' range, and some on both sides of it.
  for (const int32_t zero : {0, 113, 255}) {
    for (const int64_t to_channels : {1, 8, 12, 16, 24, 28}) {
      expect_bytes_of_floats(Example({.batch = 2,
                                      .to_channels = to_channels,
                                      .lanes = GetParam(),
                                      .picture = {6, 45},
                                      .strides = {2, 2},
                                      .pads = {1, 1},
                                      .is_channels_last = true,
                                      .bytes = {.scale = 0.1F, .zero = zero}}));
    }
  }
}

TEST_P(Stem, WhatIsNoNumberIsTheLeastByte) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float number : {std::numeric_limits<float>::quiet_NaN(), -kInfinity, kInfinity}) {
    Example example({.to_channels = 12,
                     .lanes = GetParam(),
                     .picture = {6, 45},
                     .pads = {1, 1},
                     .is_channels_last = true,
                     .bytes = {.scale = 0.1F, .zero = 113}});
    // Half of the channels make 0 of what is below it, and of what is less than all no number.
    for (size_t channel = 0; channel < 12; channel += 2) example.slopes[channel] = 0;
    // By itself at the border, and among others; for every second channel from below 0.
    example.from[0] = example.from[3 * 45 + 20] = number;
    expect_bytes_of_floats(example);
    if (number > 0) continue;
    std::ranges::fill(example.kernels, 1.0F);
    const auto bytes = example.computed<uint8_t>(true);
    for (const size_t pixel : {0, 3 * 45 + 20}) {
      for (size_t channel = 0; channel < 12; channel += 2) {
        EXPECT_EQ(bytes[pixel * 12 + channel], 0) << number << " at " << pixel;
      }
    }
  }
}

TEST_P(Stem, RoundsHalvesToEvenAndSaturates) {
  // Each result is the number of the picture below it.
  const std::vector<float> numbers{0.5F, 1.5F, 2.5F,  -0.5F,  -1.5F,
                                   300,  -300, 1e30F, -1e30F, 127.5F};
  StemPlan plan{.from_channels = 1,
                .to_channels = 1,
                .lanes = GetParam(),
                .picture = {3, 40},
                .pads = {1, 1},
                .is_channels_last = true,
                .bytes = {.scale = 1, .zero = 3}};
  Example example(plan);
  std::ranges::fill(example.kernels, 0.0F);
  example.kernels[4] = 1;
  std::ranges::fill(example.bias, 0.0F);
  // In the first row, of which one pixel is by itself at the border, and in the middle of the
  // second.
  std::ranges::fill(example.from, 0.0F);
  std::ranges::copy(numbers, example.from.begin());
  std::ranges::copy(numbers, example.from.begin() + 55);
  const auto bytes = example.computed<uint8_t>(false);
  const std::vector<uint8_t> right{3, 5, 5, 3, 1, 255, 0, 255, 0, 131};
  EXPECT_EQ(std::vector(bytes.begin(), bytes.begin() + 10), right);
  EXPECT_EQ(std::vector(bytes.begin() + 55, bytes.begin() + 65), right);
}

TEST_P(Stem, AnyNumberOfThreadsGivesTheSame) {
  if (GetParam() > vector_lanes()) GTEST_SKIP() << "this processor has no such vectors";
  // More multiplications than a thread is woken for.
  const Example example({.batch = 2,
                         .to_channels = 12,
                         .lanes = GetParam(),
                         .picture = {40, 47},
                         .pads = {1, 1},
                         .is_channels_last = true});
  example.expect_right(true);
  const auto computed_by = [&](int thread_count) {
    const ThreadCount threads(thread_count);
    return example.computed(true);
  };
  const auto alone = computed_by(1);
  for (const int thread_count : {2, 5}) EXPECT_EQ(computed_by(thread_count), alone) << thread_count;
}

INSTANTIATE_TEST_SUITE_P(BlocksOf, Stem, testing::Values<int64_t>(8, 16),
                         [](const auto& lanes) { return std::to_string(lanes.param); });

TEST(ArrangeStemKernels, PutsTheChannelsOfATapBesideEachOtherAndZerosInTheRest) {
  const StemPlan plan{.from_channels = 1, .to_channels = 3, .lanes = 2};
  std::vector<float> kernels(27), arranged(36, 5.0F);
  for (size_t index = 0; index < kernels.size(); ++index) {
    kernels[index] = static_cast<float>(index / 9 * 100 + index % 9);
  }
  arrange_stem_kernels(plan, kernels.data(), arranged);
  for (size_t tap = 0; tap < 9; ++tap) {
    const auto number = static_cast<float>(tap);
    EXPECT_EQ(arranged[tap * 2], number);
    EXPECT_EQ(arranged[tap * 2 + 1], 100 + number);
    EXPECT_EQ(arranged[18 + tap * 2], 200 + number);
    EXPECT_EQ(arranged[18 + tap * 2 + 1], 0);
  }
}

/// The steps of a 3x3 convolution, a ReLU and a second convolution, of 1x1 or 3x3.
std::vector<std::string> steps_of(int64_t channels, int64_t stride, int64_t next_kernel) {
  GraphBuilder builder("stem");
  builder.add_input({"x", {1, channels, 33, 33}})
      .add_output({"y", {}})
      .add_initializer("w", {{16, channels, 3, 3}, noise(16 * channels * 9, 6)})
      .add_initializer(
          "v", {{16, 16, next_kernel, next_kernel}, noise(16 * 16 * next_kernel * next_kernel, 7)})
      .add_node({"Conv", {"x", "w"}, {"a"}, {{"strides", std::vector<int64_t>{stride, stride}}}})
      .add_node({"Relu", {"a"}, {"b"}, {}})
      .add_node({"Conv", {"b", "v"}, {"y"}, {}});
  const auto network = Network::parse(builder.serialize().value()).value();
  return network.implementations(Shape{1, channels, 33, 33}).value();
}

TEST(StemsOfNetworks, WriteWhatTheNextConvolutionReads) {
  if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  for (const int64_t next_kernel : {1, 3}) {
    const auto steps = steps_of(3, 2, next_kernel);
    // The stem with its ReLU, the second convolution, and what makes planes of its result.
    ASSERT_EQ(steps.size(), 3U) << fmt::format("{}", steps);
    EXPECT_TRUE(steps[0].ends_with("faceforge:stem")) << steps[0];
    EXPECT_EQ(steps[1].find("reorder"), std::string::npos) << steps[1];
  }
}

TEST(StemsOfNetworks, AreOfFewChannelsAndSmallStridesAlone) {
  if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  const auto is_stem = [](int64_t channels, int64_t stride) {
    return steps_of(channels, stride, 1)[0].ends_with("faceforge:stem");
  };
  EXPECT_TRUE(is_stem(1, 1));
  EXPECT_TRUE(is_stem(4, 2));
  EXPECT_FALSE(is_stem(5, 1));
  EXPECT_FALSE(is_stem(3, 3));
}

}  // namespace
}  // namespace faceforge::nn
