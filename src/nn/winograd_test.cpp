#include "nn/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/noise_test.h"
#include "nn/processor.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/winograd_kernel.h"
#include "nn/wide_kernel_test.h"

/// Where a number lies in `[picture][channel / lanes][row][column][lane]`.
size_t place(int64_t lanes, int64_t channels, int64_t rows, int64_t columns, int64_t picture,
             int64_t channel, int64_t row, int64_t column) {
  const int64_t block = picture * ((channels + lanes - 1) / lanes) + channel / lanes;
  return static_cast<size_t>(((block * rows + row) * columns + column) * lanes + channel % lanes);
}

double largest_of(std::span<const double> numbers) {
  double largest = 0;
  for (const double number : numbers) largest = std::max(largest, std::abs(number));
  return largest;
}

/// One convolution and what it is given.
struct Example {
  WinogradPlan plan;
  std::vector<float> from, kernels, bias, slopes, before;

  explicit Example(const WinogradPlan& shape, float mean = 0) : plan(winograd_plan(shape)) {
    const auto room = static_cast<size_t>(plan.panel_count() * plan.panel());
    from = blocks(plan.from_channels, plan.rows * plan.columns, 1, mean);
    before = blocks(plan.to_channels, plan.result_rows * plan.result_columns, 5);
    kernels = noise(plan.to_channels * plan.from_channels * 9, 2);
    bias = noise(plan.to_channels, 3);
    slopes = noise(plan.to_channels, 4);
    bias.resize(room, 0.0F);
    slopes.resize(room, 0.0F);
  }

  /// The definition of a convolution, in doubles.
  [[nodiscard]] std::vector<double> expected(bool adds, bool scales) const {
    std::vector<double> all(before.size());
    for (int64_t picture = 0; picture < plan.batch; ++picture) {
      for (int64_t to = 0; to < plan.to_channels; ++to) {
        for (int64_t row = 0; row < plan.result_rows; ++row) {
          for (int64_t column = 0; column < plan.result_columns; ++column) {
            const size_t at = place(plan.lanes, plan.to_channels, plan.result_rows,
                                    plan.result_columns, picture, to, row, column);
            double number = sum(picture, to, row, column) + bias[static_cast<size_t>(to)];
            if (adds) number += before[at];
            if (scales && number < 0) number *= slopes[static_cast<size_t>(to)];
            all[at] = number;
          }
        }
      }
    }
    return all;
  }

  /// The largest of each 2 x 2 of what is expected without a sum.
  [[nodiscard]] std::vector<double> expected_halves() const {
    const auto all = expected(false, true);
    const int64_t rows = plan.result_rows / 2, columns = plan.result_columns / 2;
    std::vector<double> halves(all.size() / 4, 0.0);
    for (int64_t picture = 0; picture < plan.batch; ++picture) {
      for (int64_t to = 0; to < plan.to_channels; ++to) {
        for (int64_t at = 0; at < rows * columns; ++at) {
          double largest = -std::numeric_limits<double>::infinity();
          for (int64_t corner = 0; corner < 4; ++corner) {
            const size_t corner_at =
                place(plan.lanes, plan.to_channels, plan.result_rows, plan.result_columns, picture,
                      to, at / columns * 2 + corner / 2, at % columns * 2 + corner % 2);
            largest = std::max(largest, all[corner_at]);
          }
          halves[place(plan.lanes, plan.to_channels, rows, columns, picture, to, at / columns,
                       at % columns)] = largest;
        }
      }
    }
    return halves;
  }

  [[nodiscard]] std::vector<float> computed(bool adds, bool scales, bool halves = false) const {
    std::vector<float> weights(static_cast<size_t>(plan.weight_count()));
    transform_kernels(plan, kernels.data(), weights);
    std::vector<float> scratch(static_cast<size_t>(winograd_scratch(plan)));
    std::vector<float> to = before;
    if (halves) std::ranges::fill(to, 0.0F);
    const ConvolutionTail tail{.bias = bias.data(),
                               .slopes = scales ? slopes.data() : nullptr,
                               .adds_result = adds,
                               .halves = halves};
#if defined(__x86_64__)
    if (plan.lanes == 16 && vector_lanes() != 16) {
      const auto group = plan.tile == 2 ? wide::convolve_group<wide::TilesOfTwo>
                                        : wide::convolve_group<wide::TilesOfFour>;
      for (int64_t first = 0; first < plan.tile_count(); first += plan.group_tiles) {
        group(plan, first, from.data(), weights.data(), tail, scratch.data(), to.data());
      }
      return to;
    }
#endif
    convolve(plan, from.data(), weights.data(), tail, scratch.data(), to.data());
    return to;
  }

  void expect_right(bool adds, bool scales) const {
    expect_near(expected(adds, scales), computed(adds, scales));
  }

  void expect_near(std::span<const double> right, std::span<const float> ours) const {
    const double tolerance = plan.tile == 4 ? 2e-6 : 4e-7;
    EXPECT_LE(largest_error(right, ours), tolerance * largest_sum())
        << fmt::format("{} of {}x{}, {} to {} channels, {} threads, tiles of {}, {} lanes",
                       plan.batch, plan.rows, plan.columns, plan.from_channels, plan.to_channels,
                       plan.thread_count, plan.tile, plan.lanes);
  }

  /// The largest sum of |input| |kernel|, plus its |bias|.
  [[nodiscard]] double largest_sum() const {
    Example absolute = *this;
    for (auto* const numbers : {&absolute.from, &absolute.kernels, &absolute.bias}) {
      for (float& number : *numbers) number = std::abs(number);
    }
    return largest_of(absolute.expected(false, false));
  }

  [[nodiscard]] static double largest_error(std::span<const double> right,
                                            std::span<const float> ours) {
    double worst = 0;
    for (size_t at = 0; at < right.size(); ++at) {
      worst = std::max(worst, std::abs(right[at] - static_cast<double>(ours[at])));
    }
    return worst;
  }

 private:
  /// Noise in blocks of channels, and zeros where the last block has none.
  [[nodiscard]] std::vector<float> blocks(int64_t channels, int64_t pixels, uint32_t seed,
                                          float mean = 0) const {
    const int64_t block_count = (channels + plan.lanes - 1) / plan.lanes;
    auto numbers = noise(plan.batch * block_count * pixels * plan.lanes, seed);
    for (size_t at = 0; at < numbers.size(); ++at) {
      const auto index = static_cast<int64_t>(at);
      const int64_t block = index / (pixels * plan.lanes) % block_count;
      const bool is_channel = block * plan.lanes + index % plan.lanes < channels;
      numbers[at] = is_channel ? mean + numbers[at] : 0;
    }
    return numbers;
  }

  [[nodiscard]] double sum(int64_t picture, int64_t to, int64_t row, int64_t column) const {
    double total = 0;
    for (int64_t channel = 0; channel < plan.from_channels; ++channel) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t y = row + tap / 3 - plan.pad_top, x = column + tap % 3 - plan.pad_left;
        if (y < 0 || y >= plan.rows || x < 0 || x >= plan.columns) continue;
        const size_t at =
            place(plan.lanes, plan.from_channels, plan.rows, plan.columns, picture, channel, y, x);
        const auto kernel = static_cast<size_t>((to * plan.from_channels + channel) * 9 + tap);
        total += static_cast<double>(from[at]) * static_cast<double>(kernels[kernel]);
      }
    }
    return total;
  }
};

/// A picture of `rows` x `columns` with a border of `pad`.
WinogradPlan shape_of(int64_t batch, int64_t rows, int64_t columns, int64_t pad,
                      int64_t from_channels, int64_t to_channels, int64_t lanes) {
  return {.batch = batch,
          .rows = rows,
          .columns = columns,
          .result_rows = rows + 2 * pad - 2,
          .result_columns = columns + 2 * pad - 2,
          .pad_top = pad,
          .pad_left = pad,
          .from_channels = from_channels,
          .to_channels = to_channels,
          .lanes = lanes};
}

WinogradPlan with_large_caches(WinogradPlan shape) {
  shape.second_cache_bytes = 2 << 20;
  return shape;
}

class Winograd : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  }
};

TEST_P(Winograd, ConvolvesAsTheDefinitionSaysWhateverTheSizesAndBorders) {
  const int64_t lanes = GetParam();
  // Whole tiles, parts of them, fewer rows than a tile has, a half panel, several pictures.
  for (const auto& shape :
       {shape_of(1, 8, 8, 1, 16, 32, lanes), shape_of(1, 7, 9, 1, 32, 16, lanes),
        shape_of(3, 5, 3, 1, 16, 48, lanes), shape_of(1, 3, 3, 0, 16, 16, lanes),
        shape_of(2, 6, 11, 0, 16, 16, lanes), shape_of(1, 1, 1, 1, 16, 16, lanes),
        shape_of(1, 4, 4, 2, 48, 16, lanes), shape_of(2, 9, 6, 1, 14, 28, lanes),
        shape_of(1, 9, 6, 1, 33, 10, lanes), shape_of(1, 17, 18, 1, 12, 8, lanes),
        shape_of(1, 17, 18, 1, 13, 20, lanes), shape_of(1, 13, 28, 1, 16, 64, lanes)}) {
    Example(shape).expect_right(false, false);
    Example(with_large_caches(shape)).expect_right(false, false);
  }
}

TEST_P(Winograd, AddsWhatLiesInTheResultAndScalesWhatIsBelowZero) {
  const Example example(shape_of(1, 9, 10, 1, 16, 32, GetParam()));
  for (const bool adds : {false, true}) {
    for (const bool scales : {false, true}) example.expect_right(adds, scales);
  }
}

TEST_P(Winograd, WritesTheLargestOfEachFourWhereAPictureIsHalved) {
  // A slope below 0 turns what is smallest into what is largest: it comes first.
  for (const auto& shape :
       {shape_of(1, 8, 8, 1, 12, 24, GetParam()), shape_of(2, 10, 6, 1, 16, 20, GetParam()),
        shape_of(1, 2, 2, 1, 16, 8, GetParam()), shape_of(1, 6, 14, 1, 208, 160, GetParam())}) {
    const Example example(shape);
    example.expect_near(example.expected_halves(), example.computed(false, true, true));
  }
}

TEST_P(Winograd, ManyWeightsAreForSmallTiles) {
  const Example example(shape_of(1, 7, 7, 1, 208, 160, GetParam()));
  ASSERT_EQ(example.plan.tile, 2);
  example.expect_right(true, true);
}

TEST_P(Winograd, TheErrorIsOfTheSumsOfProductsAndNotOfWhatIsLeftOfThem) {
  for (const int64_t to_channels : {32, 1'152}) {
    Example example(shape_of(1, 14, 14, 0, 32, to_channels, GetParam()), 1'000);
    // Kernels that add up to 0 take the mean off again.
    for (auto kernel = example.kernels.begin(); kernel != example.kernels.end(); kernel += 9) {
      const float mean = std::accumulate(kernel, kernel + 9, 0.0F) / 9;
      for (auto number = kernel; number != kernel + 9; ++number) *number -= mean;
    }
    const auto right = example.expected(false, false);
    const double error = Example::largest_error(right, example.computed(false, false));
    EXPECT_LE(error, 1e-7 * example.largest_sum()) << "tiles of " << example.plan.tile;
    EXPECT_GT(error, 1e-5 * largest_of(right)) << "which is why it is not told beside results";
  }
}

TEST_P(Winograd, AnyNumberOfThreadsGivesTheSame) {
  WinogradPlan shape = shape_of(2, 30, 26, 1, 16, 16, GetParam());
  const auto alone = Example(shape).computed(true, true);
  for (const int64_t thread_count : {2, 3, 7}) {
    shape.thread_count = thread_count;
    EXPECT_EQ(Example(shape).computed(true, true), alone) << thread_count;
  }
}

TEST_P(Winograd, UnevenBordersAreThoseOfTheTopAndLeft) {
  WinogradPlan shape = shape_of(1, 6, 7, 1, 16, 16, GetParam());
  shape.pad_top = 2;
  shape.pad_left = 0;
  shape.result_rows = shape.rows + 2 - 2;        // two above, none below, less the kernel's two
  shape.result_columns = shape.columns + 1 - 2;  // one to the right
  Example(shape).expect_right(false, false);
}

INSTANTIATE_TEST_SUITE_P(BlocksOf, Winograd, testing::Values<int64_t>(8, 16),
                         [](const auto& lanes) { return std::to_string(lanes.param); });

TEST(WinogradPlan, SuitsWhereTransformsAreOfManyProducts) {
  for (const int64_t lanes : {8, 16}) {
    EXPECT_TRUE(suits_winograd(64, 64, lanes));
    EXPECT_TRUE(suits_winograd(512, 512, lanes));
    EXPECT_FALSE(suits_winograd(3, 64, lanes));
    EXPECT_FALSE(suits_winograd(64, 2, lanes));
  }
}

TEST(WinogradPlan, SuitsWhereTheFormIsAtMostSixTimesTheWeights) {
  // All that SCRFD-2.5G and RetinaFace (MobileNet 0.25) have with AVX2: from 4 to 5.3 times.
  for (const auto& [from, to] : {std::pair{12, 12},
                                 {12, 24},
                                 {24, 24},
                                 {24, 64},
                                 {48, 48},
                                 {80, 80},
                                 {64, 8},
                                 {64, 20},
                                 {64, 16},
                                 {64, 32},
                                 {16, 16}}) {
    EXPECT_TRUE(suits_winograd(from, to, 8)) << from << " to " << to;
  }
  EXPECT_TRUE(suits_winograd(12, 12, 16)) << "16 for 12, and 36 for 9: 5.3";
  EXPECT_FALSE(suits_winograd(64, 8, 16)) << "16 for 8, and 36 for 9: 8";
  EXPECT_FALSE(suits_winograd(64, 17, 16)) << "32 for 17, and 36 for 9: 7.5";
}

TEST(WinogradPlan, GroupsAreOfOneSizeAndAsManyForEachThread) {
  WinogradPlan shape = shape_of(1, 14, 14, 1, 256, 256, 8);
  shape.thread_count = 2;
  const WinogradPlan plan = winograd_plan(shape);
  EXPECT_EQ(plan.tile_count(), 49);
  EXPECT_EQ(plan.group_tiles, 25);
}

TEST(WinogradPlan, WithLargeCachesTheTilesOfOnePictureShareOneReadingOfTheWeights) {
  for (const auto& [channels, side] : {std::pair{128, 28}, std::pair{256, 14}}) {
    const WinogradPlan shape = shape_of(1, side, side, 1, channels, channels, 16);
    const WinogradPlan plan = winograd_plan(with_large_caches(shape));
    EXPECT_EQ(plan.tile_count(), 49);
    EXPECT_EQ(plan.group_tiles, 49);
    EXPECT_TRUE(plan.asks_for_next_panel);
    EXPECT_EQ(winograd_plan(shape).group_tiles, 25);
    EXPECT_FALSE(winograd_plan(shape).asks_for_next_panel);
  }
  const WinogradPlan eight = winograd_plan(with_large_caches(shape_of(8, 14, 14, 1, 256, 256, 16)));
  EXPECT_EQ(eight.group_tiles, 56) << "four blocks of 14";
}

}  // namespace
}  // namespace faceforge::nn
