#include "nn/program.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "nn/lowering.h"
#include "nn/onnx_import.h"
#include "nn/weight_store.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

using Tag = dnnl::memory::format_tag;

/// A step that reads and writes these storages.
Step step_with(const std::vector<int>& storages) {
  Step step;
  for (const int storage : storages) step.operands.push_back({{}, storage, {}});
  return step;
}

TEST(Arena, WhatIsDeadMakesRoomForWhatComes) {
  // From the caller's input to 1, 2, 3 and the output 4, each read by the next step alone.
  std::vector<Storage> storages{{.bytes = 4096, .input_index = 0},
                                {.bytes = 1024},
                                {.bytes = 2048},
                                {.bytes = 1024},
                                {.bytes = 512}};
  const std::vector<Step> steps{step_with({0, 1}), step_with({1, 2}), step_with({2, 3}),
                                step_with({3, 4})};
  const std::vector<ProgramOutput> outputs{{{128}, {{}, 4, {}}}};
  // The largest and one neighbour of it: 2048 + 1024.
  EXPECT_EQ(plan_arena(steps, outputs, storages), 3072U);
  EXPECT_EQ(storages[2].offset, 0U);
  EXPECT_EQ(storages[1].offset, 2048U);
  EXPECT_EQ(storages[3].offset, 2048U);
  EXPECT_EQ(storages[4].offset, 0U);
}

TEST(Arena, AResidualKeepsItsPlaceUntilItIsAdded) {
  // 1 is read by the first step after it and by the last; 100 bytes take 128, whole cache lines.
  std::vector<Storage> storages{{.bytes = 64, .input_index = 0},
                                {.bytes = 100},
                                {.bytes = 100},
                                {.bytes = 100},
                                {.bytes = 100}};
  const std::vector<Step> steps{step_with({0, 1}), step_with({1, 2}), step_with({2, 3}),
                                step_with({1, 3, 4})};
  const std::vector<ProgramOutput> outputs{{{25}, {{}, 4, {}}}};
  EXPECT_EQ(plan_arena(steps, outputs, storages), 3 * 128U);
  EXPECT_EQ(storages[4].offset, storages[2].offset) << "2 is dead when 4 is made";
}

/// Six convolutions, 5 x 5, of pictures of 8 x 8.
Graph chain_of_convolutions(int64_t channels) {
  GraphBuilder builder("chain");
  builder.add_input({"x0", {-1, channels, 8, 8}}).add_output({"x6", {}});
  Tensor weights{{channels, channels, 5, 5}, {}};
  for (int64_t at = 0; at < channels * channels * 25; ++at) {
    weights.values.push_back(0.01F * static_cast<float>(at % 7 - 3));
  }
  builder.add_initializer("w", weights);
  for (int layer = 0; layer < 6; ++layer) {
    builder.add_node({"Conv",
                      {fmt::format("x{}", layer), "w"},
                      {fmt::format("x{}", layer + 1)},
                      {{"pads", std::vector<int64_t>{2, 2, 2, 2}}}});
  }
  ByteBudget budget(size_t{1} << 20);
  return import_onnx(builder.serialize().value(), {}, budget).value();
}

TEST(Arena, AChainOfConvolutionsTakesTheMemoryOfTwoOfThem) {
  const Graph graph = chain_of_convolutions(16);
  WeightStore weights;
  const std::vector<Shape> shapes{{1, 16, 8, 8}};
  Lowered lowered = lower(graph, shapes, {}, weights).value();
  size_t scratchpad_bytes = 0;
  for (const Step& step : lowered.steps) {
    for (const auto& [name, operand] : step.arguments) {
      if (name != DNNL_ARG_SCRATCHPAD) continue;
      scratchpad_bytes = std::max(scratchpad_bytes, operand.layout.get_size());
    }
  }
  const size_t picture_bytes = 16 * 8 * 8 * sizeof(float);
  EXPECT_LE(plan_arena(lowered.steps, lowered.outputs, lowered.storages),
            2 * picture_bytes + scratchpad_bytes + 64);
}

TEST(Arena, ProgramsForManyShapesTakeTurnsWithThatOfTheLargest) {
  // 11 channels: oneDNN's blocks of 8 have channels that are nought and must stay so wherever the
  // memory lies, and whoever wrote to it before.
  constexpr int64_t kPicture = 11 * 8 * 8;
  const Graph graph = chain_of_convolutions(11);
  WeightStore weights;
  ArenaPool arenas(size_t{1} << 30);
  std::vector<std::shared_ptr<const Program>> programs;
  const auto run = [&](const Program& program, int64_t batch) {
    std::vector<Tensor> inputs{{{batch, 11, 8, 8}, {}}}, outputs;
    for (int64_t at = 0; at < batch * kPicture; ++at) {
      inputs[0].values.push_back(static_cast<float>(at % kPicture % 13));
    }
    EXPECT_TRUE(program.run(inputs, outputs, {}));
    return outputs.at(0).values;
  };
  for (const int64_t batch : {1, 2, 3, 4}) {
    const std::vector<Shape> shapes{{batch, 11, 8, 8}};
    programs.push_back(Program::compile(graph, shapes, 1, {}, weights, arenas).value());
  }
  const auto largest = run(*programs[3], 4);
  const size_t bytes = arenas.idle_bytes();
  const std::vector<float> picture(largest.begin(), largest.begin() + kPicture);
  for (const int64_t batch : {2, 4, 1, 3, 1, 4}) {
    // Memory at another place, in which something else has been.
    Arena other = arenas.borrow(bytes);
    std::ranges::fill(std::span(other.data(), other.size_bytes()), std::byte{0x40});
    Arena elsewhere(bytes);
    std::ranges::fill(std::span(elsewhere.data(), bytes), std::byte{0x41});
    arenas.give_back(std::move(batch % 2 == 0 ? other : elsewhere));
    const auto result = run(*programs[static_cast<size_t>(batch - 1)], batch);
    for (int64_t index = 0; index < batch; ++index) {
      const auto begin = result.begin() + index * kPicture;
      EXPECT_TRUE(std::equal(picture.begin(), picture.end(), begin)) << batch << ", " << index;
    }
    EXPECT_EQ(arenas.idle_bytes(), bytes);
  }
}

class Weights : public testing::Test {
 protected:
  Weights() {
    auto made = std::make_shared<Constant>(Constant{.shape = shape_});
    made->floats.resize(static_cast<size_t>(element_count(shape_)));
    std::iota(made->floats.begin(), made->floats.end(), 0.0F);
    constant_ = std::move(made);
  }
  static size_t bytes() { return 16 * 32 * 3 * 3 * sizeof(float); }

  Shape shape_{16, 32, 3, 3};
  ConstantPtr constant_;
  WeightStore store_;
};

TEST_F(Weights, AdoptedOnesLieInMemoryOnceWhateverAsksForTheirLayout) {
  const std::weak_ptr<const Constant> original = constant_;
  const ConstantPtr key = store_.adopt(std::move(constant_));
  EXPECT_EQ(store_.adopted_bytes(), bytes());
  const Layout blocked(shape_, dnnl::memory::data_type::f32, Tag::OIhw8i8o);
  const auto first = store_.get(key, plain_layout(shape_), blocked);
  EXPECT_TRUE(original.expired()) << "once reordered, the numbers as they were are freed";
  const auto second = store_.get(key, plain_layout(shape_), blocked);
  EXPECT_EQ(first.get_data_handle(), second.get_data_handle());
  EXPECT_EQ(store_.adopted_bytes(), bytes());
}

TEST_F(Weights, AnotherLayoutThatComesLaterHoldsTheSameNumbers) {
  const ConstantPtr key = store_.adopt(std::move(constant_));
  const Layout plain = plain_layout(shape_);
  (void)store_.get(key, plain, Layout(shape_, dnnl::memory::data_type::f32, Tag::OIhw8i8o));
  // Rows of 9 numbers: where 16 x 32 x 9 numbers that count up stand once output and input
  // channels change places.
  const auto swapped =
      store_.get(key, plain, Layout(shape_, dnnl::memory::data_type::f32, Tag::iohw));
  const auto* numbers = static_cast<const float*>(swapped.get_data_handle());
  for (int in = 0; in < 32; ++in) {
    for (int out = 0; out < 16; ++out) {
      for (int at = 0; at < 9; ++at) {
        ASSERT_EQ(numbers[(in * 16 + out) * 9 + at], static_cast<float>((out * 32 + in) * 9 + at));
      }
    }
  }
  const auto again = store_.get(key, plain, plain);
  EXPECT_EQ(static_cast<const float*>(again.get_data_handle())[4607], 4607.0F);
  EXPECT_EQ(store_.adopted_bytes(), 3 * bytes());
}

TEST_F(Weights, ThoseOfOthersStayWhereTheyAre) {
  const auto plain = store_.get(constant_, plain_layout(shape_), plain_layout(shape_));
  EXPECT_EQ(plain.get_data_handle(), constant_->floats.data());
  EXPECT_EQ(store_.adopted_bytes(), 0U);
}

}  // namespace
}  // namespace faceforge::nn
