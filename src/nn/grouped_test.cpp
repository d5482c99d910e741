#include "nn/grouped.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <omp.h>

#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/processor.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/grouped_kernel.h"
#include "nn/wide_kernel_test.h"

/// What leaves the result's size open.
GroupedPlan placed(GroupedPlan plan) {
  for (size_t side = 0; side < 2; ++side) {
    const int64_t reach = (plan.kernel[side] - 1) * plan.dilations[side];
    plan.result[side] =
        (plan.picture[side] + 2 * plan.pads[side] - reach - 1) / plan.strides[side] + 1;
  }
  return plan;
}

/// One convolution and what it is given.
struct Example {
  GroupedPlan plan;
  std::vector<float> from, kernels, bias, slopes, before;

  explicit Example(const GroupedPlan& shape) : plan(placed(shape)) {
    from = noise(plan.batch * plan.channels * plan.picture[0] * plan.picture[1], 1);
    kernels = noise(plan.weight_count(), 2);
    bias = noise(plan.channels, 3);
    slopes = noise(plan.channels, 4);
    before = noise(plan.batch * plan.channels * plan.result[0] * plan.result[1], 5);
  }

  /// Where a number lies in `[picture][channel / lanes][row][column][lane]`.
  [[nodiscard]] size_t place(const GroupedPlan::Sides& sides, int64_t picture, int64_t channel,
                             int64_t row, int64_t column) const {
    const int64_t block = picture * (plan.channels / plan.lanes) + channel / plan.lanes;
    return static_cast<size_t>(((block * sides[0] + row) * sides[1] + column) * plan.lanes +
                               channel % plan.lanes);
  }

  /// The definition of a convolution in groups, in doubles.
  [[nodiscard]] std::vector<double> expected(bool adds, bool scales) const {
    std::vector<double> all(before.size());
    for (int64_t picture = 0; picture < plan.batch; ++picture) {
      for (int64_t channel = 0; channel < plan.channels; ++channel) {
        for (int64_t row = 0; row < plan.result[0]; ++row) {
          for (int64_t column = 0; column < plan.result[1]; ++column) {
            const size_t at = place(plan.result, picture, channel, row, column);
            double number = sum(picture, channel, row, column) + bias[static_cast<size_t>(channel)];
            if (adds) number += before[at];
            if (scales && number < 0) number *= slopes[static_cast<size_t>(channel)];
            all[at] = number;
          }
        }
      }
    }
    return all;
  }

  [[nodiscard]] std::vector<float> computed(bool adds, bool scales) const {
    std::vector<float> weights(static_cast<size_t>(plan.weight_count()));
    arrange_group_kernels(plan, kernels.data(), weights);
    std::vector<float> to = before;
    const ConvolutionTail tail{
        .bias = bias.data(), .slopes = scales ? slopes.data() : nullptr, .adds_result = adds};
#if defined(__x86_64__)
    if (plan.lanes == 16 && vector_lanes() != 16) {
      const int64_t block_count = plan.channels / plan.lanes;
      const size_t step = from.size() / static_cast<size_t>(plan.batch * block_count);
      const size_t to_step = to.size() / static_cast<size_t>(plan.batch * block_count);
      const size_t weight_step = weights.size() / static_cast<size_t>(block_count);
      for (int64_t index = 0; index < plan.batch * block_count; ++index) {
        const int64_t block = index % block_count;
        const auto place = static_cast<size_t>(index);
        wide::convolve_group_block(plan, from.data() + place * step,
                                   weights.data() + static_cast<size_t>(block) * weight_step, tail,
                                   block * plan.lanes, to.data() + place * to_step);
      }
      return to;
    }
#endif
    convolve_groups(plan, from.data(), weights.data(), tail, to.data());
    return to;
  }

  void expect_right(bool adds, bool scales) const {
    const auto right = expected(adds, scales);
    const auto ours = computed(adds, scales);
    double largest = 0, worst = 0;
    for (size_t at = 0; at < right.size(); ++at) {
      largest = std::max(largest, std::abs(right[at]));
      worst = std::max(worst, std::abs(right[at] - static_cast<double>(ours[at])));
    }
    // Sums of at most 140 products in single precision.
    EXPECT_LE(worst, 2e-6 * largest) << fmt::format(
        "{} pictures of {}, groups of {}, kernel {}, strides {}, dilations {}, pads {}", plan.batch,
        plan.picture, plan.group, plan.kernel, plan.strides, plan.dilations, plan.pads);
  }

 private:
  [[nodiscard]] double sum(int64_t picture, int64_t channel, int64_t row, int64_t column) const {
    double total = 0;
    for (int64_t member = 0; member < plan.group; ++member) {
      const int64_t source = channel / plan.group * plan.group + member;
      for (int64_t tap = 0; tap < plan.tap_count(); ++tap) {
        const int64_t y =
            row * plan.strides[0] - plan.pads[0] + tap / plan.kernel[1] * plan.dilations[0];
        const int64_t x =
            column * plan.strides[1] - plan.pads[1] + tap % plan.kernel[1] * plan.dilations[1];
        if (y < 0 || y >= plan.picture[0] || x < 0 || x >= plan.picture[1]) continue;
        const auto kernel =
            static_cast<size_t>((channel * plan.group + member) * plan.tap_count() + tap);
        total += static_cast<double>(from[place(plan.picture, picture, source, y, x)]) *
                 static_cast<double>(kernels[kernel]);
      }
    }
    return total;
  }
};

class Grouped : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  }

  /// Two blocks of channels.
  [[nodiscard]] static GroupedPlan plan_of(GroupedPlan plan) {
    plan.lanes = GetParam();
    plan.channels = 2 * plan.lanes;
    return plan;
  }
};

TEST_P(Grouped, ConvolvesAsTheDefinitionSaysWhateverTheWindow) {
  const std::vector<GroupedPlan> shapes{
      // Three times six windows inside, one on each border; then six inside and no border.
      {.picture = {7, 20}, .kernel = {3, 3}, .pads = {1, 1}},
      {.picture = {5, 8}, .kernel = {3, 3}},
      // Six and some inside, and borders of several windows.
      {.picture = {9, 31},
       .kernel = {3, 3},
       .strides = {2, 1},
       .dilations = {1, 2},
       .pads = {0, 3}},
      {.picture = {8, 40},
       .kernel = {2, 5},
       .strides = {1, 3},
       .dilations = {2, 1},
       .pads = {2, 1}},
      {.picture = {30, 6},
       .kernel = {5, 2},
       .strides = {3, 1},
       .dilations = {1, 3},
       .pads = {1, 2}},
      // Windows that are larger than the picture, along one side and along both.
      {.picture = {2, 3}, .kernel = {5, 7}, .pads = {2, 3}},
      {.picture = {20, 3}, .kernel = {1, 7}, .pads = {0, 3}},
      {.picture = {3, 20}, .kernel = {7, 1}, .pads = {3, 0}},
      {.picture = {1, 1}, .kernel = {3, 3}, .pads = {1, 1}},
      // Nothing but the border: pads wider than the kernel.
      {.picture = {2, 2}, .kernel = {2, 2}, .pads = {3, 3}},
      {.batch = 3, .picture = {4, 9}}};
  for (GroupedPlan shape : shapes) {
    for (const int64_t group : {2, 4}) {
      shape.group = group;
      Example(plan_of(shape)).expect_right(false, false);
    }
  }
}

TEST_P(Grouped, AddsWhatLiesInTheResultAndScalesWhatIsBelowZero) {
  const Example example(plan_of({.picture = {6, 15}, .kernel = {3, 3}, .pads = {1, 1}}));
  for (const bool adds : {false, true}) {
    for (const bool scales : {false, true}) example.expect_right(adds, scales);
  }
}

TEST_P(Grouped, AnyNumberOfThreadsGivesTheSame) {
  if (GetParam() > vector_lanes()) GTEST_SKIP() << "this processor has no such vectors";
  // More multiplications than a thread is woken for.
  const Example example(
      plan_of({.batch = 3, .picture = {40, 41}, .kernel = {3, 3}, .pads = {1, 1}}));
  example.expect_right(true, true);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto alone = example.computed(true, true);
  for (const int thread_count : {2, 5}) {
    omp_set_num_threads(thread_count);
    EXPECT_EQ(example.computed(true, true), alone) << thread_count;
  }
  omp_set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(BlocksOf, Grouped, testing::Values<int64_t>(8, 16),
                         [](const auto& lanes) { return std::to_string(lanes.param); });

TEST(GroupsOfNetworks, OfTwoAreOursAndOthersOneDnns) {
  if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel";
  for (const int64_t group : {1, 2, 4, 8}) {
    GraphBuilder builder("groups");
    builder.add_input({"x", {1, 32, 9, 9}})
        .add_output({"y", {}})
        .add_initializer("w", {{32, group, 3, 3}, noise(32 * group * 9, 6)})
        .add_node({"Conv", {"x", "w"}, {"y"}, {{"group", 32 / group}}});
    const auto network = Network::parse(builder.serialize().value()).value();
    const auto steps = network.implementations(Shape{1, 32, 9, 9}).value();
    const bool is_ours = std::ranges::any_of(
        steps, [](const std::string& step) { return step.ends_with("faceforge:grouped"); });
    EXPECT_EQ(is_ours, group == 2) << group;
  }
}

TEST(ArrangeGroupKernels, PutsTheMemberThatIsSoManyTurnsFurtherFirstByLane) {
  // Two groups of two in one block of four; one tap. [channel][member]
  const std::vector<float> kernels{10, 11, 20, 21, 32, 33, 42, 43};
  const GroupedPlan plan{.channels = 4, .group = 2, .lanes = 4};
  std::vector<float> arranged(8);
  arrange_group_kernels(plan, kernels.data(), arranged);
  // Turn 0 takes the channel itself, turn 1 its neighbour.
  EXPECT_EQ(arranged, (std::vector<float>{10, 21, 32, 43, 11, 20, 33, 42}));
}

}  // namespace
}  // namespace faceforge::nn
