#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "nn/kernels.h"
#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/thread_team.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

/// Pictures of some size in one layout, resized.
struct Example {
  ChannelLayout layout;
  int64_t from_rows, from_columns;
  ResizeAxis rows, columns;
  std::vector<float> from;

  Example(const Resize& resize, const ChannelLayout& shape, int64_t rows_before,
          int64_t columns_before, int64_t rows_after, int64_t columns_after)
      : layout(shape), from_rows(rows_before), from_columns(columns_before) {
    const auto scale = [](int64_t before, int64_t after) {
      return static_cast<float>(after) / static_cast<float>(before);
    };
    layout.pixels = from_rows * from_columns;
    rows = plan_resize_axis(resize, from_rows, rows_after, scale(from_rows, rows_after));
    columns =
        plan_resize_axis(resize, from_columns, columns_after, scale(from_columns, columns_after));
    from = noise(layout.size(), 1);
  }

  [[nodiscard]] std::vector<float> computed() const {
    const size_t pixels = rows.low.size() * columns.low.size();
    std::vector<float> to(pixels * static_cast<size_t>(layout.batch * layout.channel_room()));
    resize_pictures(plan_resize_pictures(rows, columns, layout, from_columns), from.data(),
                    to.data());
    return to;
  }

  /// Number by number, from the four around it.
  [[nodiscard]] std::vector<float> expected() const {
    std::vector<float> all;
    for (int64_t plane = 0; plane < layout.batch * layout.block_count; ++plane) {
      for (size_t row = 0; row < rows.low.size(); ++row) {
        for (size_t column = 0; column < columns.low.size(); ++column) {
          for (int64_t channel = 0; channel < layout.block; ++channel) {
            const auto at = [&](int64_t y, int64_t x) {
              const int64_t pixel = (plane * from_rows + y) * from_columns + x;
              return from[static_cast<size_t>(pixel * layout.block + channel)];
            };
            const auto mean = [](float a, float b, float weight) { return a + (b - a) * weight; };
            const int64_t left = columns.low[column], right = columns.high[column];
            const float along = columns.weight[column];
            const int64_t high = rows.low[row], low = rows.high[row];
            all.push_back(mean(mean(at(high, left), at(high, right), along),
                               mean(at(low, left), at(low, right), along), rows.weight[row]));
          }
        }
      }
    }
    return all;
  }
};

TEST(ResizePictures, TakeTheirNumbersFromWhereTheAxesSayInEveryLayout) {
  const std::vector<ChannelLayout> layouts{{.block_count = 3},
                                           {.batch = 2, .block_count = 2, .block = 8},
                                           {.block_count = 3, .block = 16},
                                           {.batch = 2, .block = 24}};
  for (const ResizeMode mode : {ResizeMode::Nearest, ResizeMode::Linear}) {
    Resize resize;
    resize.mode = mode;
    for (const ChannelLayout& layout : layouts) {
      for (const auto& [rows, columns] : {std::pair(10, 14), std::pair(15, 7), std::pair(5, 7),
                                          std::pair(3, 17), std::pair(1, 1)}) {
        const Example example(resize, layout, 5, 7, rows, columns);
        const auto right = example.expected(), ours = example.computed();
        ASSERT_EQ(ours.size(), right.size());
        for (size_t at = 0; at < right.size(); ++at) {
          // The same sums, of which the compiler may make one rounding of two.
          ASSERT_NEAR(ours[at], right[at], 1e-6)
              << fmt::format("{} rows, {} columns, blocks of {}", rows, columns, layout.block);
        }
      }
    }
  }
}

TEST(ResizePictures, AnyNumberOfThreadsGivesTheSame) {
  for (const ResizeMode mode : {ResizeMode::Nearest, ResizeMode::Linear}) {
    Resize resize;
    resize.mode = mode;
    // More numbers than a thread is woken for.
    const Example example(resize, {.block = 24}, 29, 31, 58, 62);
    const auto computed_by = [&](int thread_count) {
      const ThreadCount threads(thread_count);
      return example.computed();
    };
    const auto alone = computed_by(1);
    for (const int thread_count : {2, 5}) {
      EXPECT_EQ(computed_by(thread_count), alone) << thread_count;
    }
  }
}

/// A pyramid's step: a picture of half the size is resized and added to another.
std::vector<std::string> steps_of_pyramid(int64_t channels) {
  GraphBuilder builder("pyramid");
  builder.add_input({"x", {1, 8, 32, 32}})
      .add_output({"y", {}})
      .add_initializer("w", {{channels, 8, 1, 1}, noise(8 * channels, 2)})
      .add_initializer("v", {{channels, channels, 1, 1}, noise(channels * channels, 3)})
      .add_initializer("scales", Tensor{{4}, {1, 1, 2, 2}})
      .add_node({"Conv", {"x", "w"}, {"large"}, {}})
      .add_node(
          {"MaxPool",
           {"large"},
           {"small"},
           {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}}})
      .add_node({"Conv", {"small", "v"}, {"low"}, {}})
      .add_node({"Conv", {"large", "v"}, {"high"}, {}})
      .add_node({"Resize", {"low", "", "scales"}, {"grown"}, {}})
      .add_node({"Add", {"high", "grown"}, {"sum"}, {}})
      .add_node({"Conv", {"sum", "v"}, {"y"}, {}});
  const auto network = Network::parse(builder.serialize().value()).value();
  return network.implementations(std::vector<int64_t>{1, 8, 32, 32}).value();
}

TEST(ResizesOfNetworks, StayInTheLayoutOfTheConvolutionsAroundThem) {
  for (const int64_t channels : {16, 24}) {
    const auto steps = steps_of_pyramid(channels);
    const auto is = [](std::string_view kernel) {
      return [=](const std::string& step) { return step.find(kernel) != std::string::npos; };
    };
    const auto resize = std::ranges::find_if(steps, is("faceforge:resize"));
    ASSERT_NE(resize, steps.end()) << fmt::format("{}", steps);
    const auto add = std::find_if(resize, steps.end(), is("faceforge:add"));
    ASSERT_EQ(add - resize, 1) << fmt::format("{}", steps);
    EXPECT_FALSE(is("reorder")(resize[-1])) << resize[-1];
    EXPECT_FALSE(is("reorder")(add[1])) << add[1];
  }
}

TEST(ResizesOfNetworks, MoveAPictureBeforeItGrowsToWhereWhatItIsAddedToLies) {
  GraphBuilder builder("small and large");
  builder.add_input({"x", {1, 32, 32, 32}})
      .add_output({"y", {}})
      .add_initializer("w", {{32, 32, 1, 1}, noise(32 * 32, 2)})
      .add_initializer("scales", Tensor{{4}, {1, 1, 2, 2}})
      .add_initializer("from", IntegerTensor{{2}, {0, 0}})
      .add_initializer("until", IntegerTensor{{2}, {16, 16}})
      .add_initializer("axes", IntegerTensor{{2}, {2, 3}})
      .add_node({"Slice", {"x", "from", "until", "axes"}, {"small"}, {}})  // which makes planes
      .add_node({"Conv", {"x", "w"}, {"large"}, {}})
      .add_node({"Resize", {"small", "", "scales"}, {"grown"}, {}})
      .add_node({"Add", {"large", "grown"}, {"sum"}, {}})
      .add_node({"Conv", {"sum", "w"}, {"y"}, {}});
  const auto network = Network::parse(builder.serialize().value()).value();
  const auto steps = network.implementations(std::vector<int64_t>{1, 32, 32, 32}).value();
  const auto resize = std::ranges::find_if(
      steps, [](const std::string& step) { return step.ends_with("faceforge:resize"); });
  ASSERT_NE(resize, steps.end()) << fmt::format("{}", steps);
  EXPECT_NE(resize[-1].find("reorder"), std::string::npos) << resize[-1];
  EXPECT_TRUE(resize[1].ends_with("faceforge:add")) << resize[1];
}

}  // namespace
}  // namespace faceforge::nn
