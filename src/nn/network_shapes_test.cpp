// Networks that meet batches and pictures of several sizes.

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

using testing::ElementsAre;

Network parsed(const GraphBuilder& builder, const LoadLimits& limits = {}) {
  return Network::parse(builder.serialize().value(), limits).value();
}

/// From pictures of 3 channels, 6 x 6, to 5 numbers and to 4 channels.
GraphBuilder small_embedder(int64_t batch) {
  GraphBuilder builder("embedder");
  builder.add_input({"x", {batch, 3, 6, 6}})
      .add_output({"numbers", {}})
      .add_output({"channels", {}})
      .add_initializer("kernels", waves({4, 3, 3, 3}))
      .add_initializer("matrix", waves({5, 144}))
      .add_node({"Conv", {"x", "kernels"}, {"a"}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}})
      .add_node({"Relu", {"a"}, {"channels"}, {}})
      .add_node({"Flatten", {"channels"}, {"flat"}, {}})
      .add_node({"Gemm", {"flat", "matrix"}, {"numbers"}, {{"transB", int64_t{1}}}});
  return builder;
}

TEST(Batch, GivesWhatItsPicturesGiveWhoeverComputesThem) {
  const Network network = parsed(small_embedder(-1));
  for (const int64_t count : {2, 4, 5}) {
    const Tensor batch = waves({count, 3, 6, 6});
    for (const int thread_count : {1, 2, 3}) {
      const auto together = network.run(batch, {.thread_count = thread_count}).value();
      for (int64_t picture = 0; picture < count; ++picture) {
        const auto first = batch.values.begin() + picture * 108;
        const auto alone = network.run({{1, 3, 6, 6}, {first, first + 108}}).value();
        for (size_t output = 0; output < 2; ++output) {
          const std::vector<float>& wanted = alone[output].values;
          const auto begin =
              together[output].values.begin() + picture * static_cast<int64_t>(wanted.size());
          EXPECT_THAT(std::vector<float>(begin, begin + static_cast<int64_t>(wanted.size())),
                      testing::Pointwise(testing::FloatNear(1e-5F), wanted))
              << "picture " << picture << " of " << count << ", " << thread_count << " threads";
        }
      }
    }
  }
}

TEST(Batch, OfTheSizeThatTheFileFixesStaysTogether) {
  const Network network = parsed(small_embedder(4));
  const auto outputs = network.run(waves({4, 3, 6, 6}), {.thread_count = 2});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT(outputs->at(0).shape, ElementsAre(4, 5));
  EXPECT_TRUE(network.prepare(Shape{4, 3, 6, 6}));
  EXPECT_EQ(network.run(waves({8, 3, 6, 6})).error().reason, "input_shape");
}

TEST(Batch, WhoseOutputsPassTheLimitsIsRefusedBeforeTheyAreMade) {
  // 5 and 144 numbers a picture.
  const Network network =
      parsed(small_embedder(-1), {.elements_per_tensor = 1200, .activation_bytes = 20'000});
  EXPECT_TRUE(network.run(waves({8, 3, 6, 6})));
  const auto outputs = network.run(waves({9, 3, 6, 6}));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(outputs.error().reason, "activations_too_large");
}

TEST(Batch, OnNoThreadsIsRefusedByEveryQuestion) {
  const Network network = parsed(small_embedder(-1));
  const Shape shape{4, 3, 6, 6};
  EXPECT_EQ(network.run(waves(shape), {.thread_count = 0}).error().reason, "thread_count");
  EXPECT_EQ(network.prepare(shape, {.thread_count = 0}).error().reason, "thread_count");
  EXPECT_EQ(network.implementations(shape, {.thread_count = 0}).error().reason, "thread_count");
}

/// Runs a network on pictures of two sizes, one after the other, and in the other order.
void expect_to_run(const GraphBuilder& builder, int64_t one_side, int64_t other_side) {
  for (const bool is_turned : {false, true}) {
    const Network network = parsed(builder);
    for (const bool is_first : {true, false}) {
      const int64_t side = is_first == is_turned ? other_side : one_side;
      const auto outputs = network.run(waves({1, 3, side, side}));
      EXPECT_TRUE(outputs) << side;
    }
  }
}

TEST(Sizes, OfPicturesDoNotDecideWhichFormOfTheWeightsIsKept) {
  // Pictures of one pixel lie in memory in their planes' order and channel by channel at once, so
  // that for them another kernel takes the second convolution.
  GraphBuilder builder("pixels");
  builder.add_input({"x", {1, 3, -1, -1}})
      .add_output({"y", {}})
      .add_initializer("first", waves({3, 3, 1, 1}))
      .add_initializer("second", waves({8, 3, 3, 3}))
      .add_node({"Conv", {"x", "first"}, {"a"}, {}})
      .add_node(
          {"Conv",
           {"a", "second"},
           {"y"},
           {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"strides", std::vector<int64_t>{2, 2}}}});
  expect_to_run(builder, 1, 64);
}

TEST(Sizes, OfWhatIsAddedDoNotDecideWhichFormOfTheWeightsIsKept) {
  GraphBuilder builder("sum");
  builder.add_input({"x", {1, 3, -1, -1}})
      .add_output({"y", {}})
      .add_initializer("kernels", waves({8, 3, 3, 3}))
      .add_initializer("mean_kernels", waves({8, 3, 1, 1}))
      .add_node({"GlobalAveragePool", {"x"}, {"mean"}, {}})
      .add_node({"Conv", {"mean", "mean_kernels"}, {"b"}, {}})
      .add_node({"Conv", {"x", "kernels"}, {"a"}, {{"strides", std::vector<int64_t>{2, 2}}}})
      .add_node({"Add", {"a", "b"}, {"sum"}, {}})
      .add_node({"Sigmoid", {"sum"}, {"y"}, {}});
  expect_to_run(builder, 65, 3);
}

}  // namespace
}  // namespace faceforge::nn
