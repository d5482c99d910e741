// The depthwise kernel against sums of integers. Scales, shifts and slopes are powers of two or
// sums of few, so that floats hold every number on the way and the results are equal.

#include "nn/depthwise_bytes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "nn/thread_team.h"

namespace faceforge::nn {
namespace {

struct Case {
  ByteDepthwise plan;
  std::vector<float> scale = {}, shift = {}, slope = {};
  std::vector<uint8_t> pictures;
  std::vector<int8_t> weights;
};

using Sides = ByteDepthwise::Sides;

/// `bends`: slopes beside 0 and 1.
Case random_case(int64_t channels, Sides picture, int64_t stride, Sides pads, Sides pads_end,
                 bool bends) {
  const auto [rows, columns] = picture;
  std::mt19937 random(static_cast<uint32_t>(channels * 1000 + rows * 10 + stride));
  ByteDepthwise plan{.batch = 2,
                     .channels = channels,
                     .picture = picture,
                     .result = {(rows + pads[0] + pads_end[0] - 3) / stride + 1,
                                (columns + pads[1] + pads_end[1] - 3) / stride + 1},
                     .pads = pads,
                     .stride = stride,
                     .source_zero = 77,
                     .result_zero = 33};
  Case made{.plan = plan, .pictures = {}, .weights = {}};
  std::uniform_int_distribution<int> bytes(0, 255), signed_bytes(-128, 127);
  for (int64_t index = 0; index < 2 * rows * columns * channels; ++index) {
    made.pictures.push_back(static_cast<uint8_t>(bytes(random)));
  }
  for (int64_t index = 0; index < 9 * channels; ++index) {
    made.weights.push_back(static_cast<int8_t>(signed_bytes(random)));
  }
  for (int64_t channel = 0; channel < channels; ++channel) {
    made.scale.push_back(std::ldexp(1.0F, -static_cast<int>(6 + channel % 5)));
    made.shift.push_back(static_cast<float>(channel % 7) * 0.5F - 1);
    const float slope = channel % 3 == 0 ? 0.0F : 1.0F;
    made.slope.push_back(bends && channel % 3 == 2 ? 0.25F : slope);
  }
  return made;
}

/// As many pads on every side.
Case random_case(int64_t channels, int64_t rows, int64_t columns, int64_t stride, int64_t pad,
                 bool bends) {
  return random_case(channels, {rows, columns}, stride, {pad, pad}, {pad, pad}, bends);
}

double result_at(const Case& from, int64_t picture, int64_t row, int64_t column, int64_t channel) {
  const ByteDepthwise& plan = from.plan;
  int64_t sum = 0;
  for (int64_t tap = 0; tap < 9; ++tap) {
    const int64_t y = row * plan.stride - plan.pads[0] + tap / 3;
    const int64_t x = column * plan.stride - plan.pads[1] + tap % 3;
    const bool is_inside = y >= 0 && y < plan.picture[0] && x >= 0 && x < plan.picture[1];
    const int64_t at = ((picture * plan.picture[0] + y) * plan.picture[1] + x) * plan.channels;
    const int64_t byte =
        is_inside ? from.pictures[static_cast<size_t>(at + channel)] : plan.source_zero;
    sum += byte * from.weights[static_cast<size_t>(channel * 9 + tap)];
  }
  const auto index = static_cast<size_t>(channel);
  const double linear = static_cast<double>(sum) * from.scale[index] + from.shift[index];
  return linear < 0 ? linear * from.slope[index] : linear;
}

/// All results, pixel by pixel; of a plan that halves, the largest of each four.
std::vector<double> results_of(const Case& from) {
  const ByteDepthwise& plan = from.plan;
  const int64_t side = plan.halves ? 2 : 1;
  std::vector<double> results;
  for (int64_t picture = 0; picture < plan.batch; ++picture) {
    for (int64_t row = 0; row < plan.result[0]; row += side) {
      for (int64_t column = 0; column < plan.result[1]; column += side) {
        for (int64_t channel = 0; channel < plan.channels; ++channel) {
          double largest = -std::numeric_limits<double>::infinity();
          for (int64_t at = 0; at < side * side; ++at) {
            largest = std::max(
                largest, result_at(from, picture, row + at / side, column + at % side, channel));
          }
          results.push_back(largest);
        }
      }
    }
  }
  return results;
}

template <typename Number>
void expect_sums(const Case& from, const std::string& told) {
  std::vector<int8_t> arranged(
      static_cast<size_t>(depthwise_weight_bytes(from.plan.channels, from.plan.stride)));
  arrange_depthwise_weights(from.plan.channels, from.plan.stride, from.weights.data(), arranged);
  const std::vector<double> expected = results_of(from);
  // What follows the results is another's.
  constexpr size_t kGuard = 64;
  std::vector<Number> ours(expected.size() + kGuard, Number{91});
  ByteDepthwise plan = from.plan;
  plan.scale = arranged_channels(from.scale, from.plan.stride);
  plan.shift = arranged_channels(from.shift, from.plan.stride);
  plan.slope = arranged_channels(from.slope, from.plan.stride);
  convolve_depthwise(plan, from.pictures.data(), arranged.data(), ours.data());
  for (size_t index = 0; index < expected.size(); ++index) {
    const double byte =
        std::clamp(std::nearbyint(expected[index]) + from.plan.result_zero, 0.0, 255.0);
    const double wanted = std::is_same_v<Number, float> ? expected[index] : byte;
    ASSERT_EQ(static_cast<double>(ours[index]), wanted) << told << ", at " << index;
  }
  for (size_t index = expected.size(); index < ours.size(); ++index) {
    ASSERT_EQ(ours[index], Number{91}) << told << ", beyond the results";
  }
}

constexpr int64_t kChannels[] = {1, 2, 4, 5, 8, 16, 24, 32, 33, 64, 70, 128};

TEST(DepthwiseBytes, ResultsAreIntegerSumsForOddSizesStridesAndBorders) {
  if (!has_byte_depthwise()) GTEST_SKIP() << "no AVX-512 with VNNI and VBMI";
  for (const int64_t channels : kChannels) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t pad : {0, 1, 2}) {
        for (const bool bends : {false, true}) {
          for (const int64_t columns : {3, 6, 19, 133}) {
            const Case made = random_case(channels, 9, columns, stride, pad, bends);
            const std::string told = std::to_string(channels) + " channels, stride " +
                                     std::to_string(stride) + ", pad " + std::to_string(pad) +
                                     ", " + std::to_string(columns) + " columns";
            expect_sums<uint8_t>(made, told);
            expect_sums<float>(made, told);
          }
        }
      }
    }
  }
}

TEST(DepthwiseBytes, NoSideOfAPictureNeedsToBeLikeAnother) {
  if (!has_byte_depthwise()) GTEST_SKIP() << "no AVX-512 with VNNI and VBMI";
  struct Pads {
    Sides begin, end;
  };
  // As networks of other tools have them at stride 2, and such as no side shares with another.
  for (const Pads& pads : {Pads{{0, 0}, {1, 1}}, Pads{{0, 1}, {1, 0}}, Pads{{1, 0}, {0, 1}},
                           Pads{{0, 1}, {2, 3}}, Pads{{1, 0}, {3, 2}}}) {
    for (const Sides& picture : {Sides{8, 8}, Sides{7, 38}, Sides{38, 7}, Sides{4, 67}}) {
      for (const int64_t channels : kChannels) {
        for (const int64_t stride : {1, 2}) {
          const Case made = random_case(channels, picture, stride, pads.begin, pads.end, true);
          const std::string told = fmt::format("{} channels of {}, stride {}, pads {} and {}",
                                               channels, picture, stride, pads.begin, pads.end);
          expect_sums<uint8_t>(made, told);
          expect_sums<float>(made, told);
        }
      }
    }
  }
}

TEST(DepthwiseBytes, TheLargestOfFourResultsIsWhatAPoolWouldTake) {
  if (!has_byte_depthwise()) GTEST_SKIP() << "no AVX-512 with VNNI and VBMI";
  for (const int64_t channels : kChannels) {
    if (!halves_depthwise(channels, 1)) continue;
    for (const int64_t columns : {2, 8, 38, 134}) {
      Case made = random_case(channels, 6, columns, 1, 1, true);
      made.plan.halves = true;
      expect_sums<uint8_t>(made, std::to_string(channels) + " channels");
      expect_sums<float>(made, std::to_string(channels) + " channels");
    }
  }
}

TEST(DepthwiseBytes, WhatNoIntegerHoldsIsTheLargestOrTheLeastByte) {
  if (!has_byte_depthwise()) GTEST_SKIP() << "no AVX-512 with VNNI and VBMI";
  for (const int64_t channels : {5, 16, 64}) {
    Case made = random_case(channels, 5, 5, 1, 1, false);
    std::ranges::fill(made.scale, std::ldexp(1.0F, 40));
    std::ranges::fill(made.shift, 0.0F);
    expect_sums<uint8_t>(made, std::to_string(channels) + " channels");
  }
}

TEST(DepthwiseBytes, AnyNumberOfThreadsGivesTheSame) {
  if (!has_byte_depthwise()) GTEST_SKIP() << "no AVX-512 with VNNI and VBMI";
  for (const int thread_count : {1, 2, 3, 5, 64}) {
    const ThreadCount threads(thread_count);
    expect_sums<uint8_t>(random_case(48, 41, 67, 1, 1, false), "41 rows");
    expect_sums<uint8_t>(random_case(48, 41, 67, 2, 1, false), "41 rows, stride 2");
    Case halves = random_case(64, 42, 66, 1, 1, false);
    halves.plan.halves = true;
    expect_sums<uint8_t>(halves, "42 rows, halved");
    expect_sums<uint8_t>(random_case(8, 41, 67, 1, 1, false), "41 rows of 8 channels");
  }
}

}  // namespace
}  // namespace faceforge::nn
