#include "nn/equalization.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/quantizer.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

constexpr int64_t kChannels = 16;

Tensor noise(std::mt19937& random, Shape shape, float deviation) {
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(element_count(shape)))};
  std::normal_distribution<float> normal(0, deviation);
  for (float& value : tensor.values) value = normal(random);
  return tensor;
}

Tensor example(unsigned seed) {
  std::mt19937 random(seed);
  return noise(random, {1, kChannels, 12, 12}, 1);
}

/// Multiplies each output channel's weights by a factor.
Tensor stretched(Tensor weights, std::span<const float> factors) {
  const size_t row_size = weights.values.size() / factors.size();
  for (size_t index = 0; index < weights.values.size(); ++index) {
    weights.values[index] *= factors[index / row_size];
  }
  return weights;
}

/// From 1 to 300, as networks with depthwise convolutions have them.
std::vector<float> uneven_factors() {
  std::vector<float> factors;
  for (int64_t channel = 0; channel < kChannels; ++channel) {
    factors.push_back(std::pow(300.0F, static_cast<float>(channel) / (kChannels - 1)));
  }
  return factors;
}

std::vector<float> inverse(std::vector<float> factors) {
  for (float& factor : factors) factor = 1 / factor;
  return factors;
}

/// 1x1, PReLU, depthwise 3x3, ReLU, maximum, 1x1. What the first makes reaches 300 times as far in
/// one channel as in another, and the depthwise one evens it out. `tail` goes on from `d`, which
/// the depthwise one reads.
std::vector<std::byte> uneven_network(const std::function<void(GraphBuilder&)>& tail = {}) {
  std::mt19937 random(7);
  GraphBuilder builder("uneven", 11);
  const std::vector<int64_t> ones{1, 1, 1, 1}, two{2, 2};
  builder.add_input({"x", {1, kChannels, 12, 12}})
      .add_initializer(
          "w1", stretched(noise(random, {kChannels, kChannels, 1, 1}, 0.3F), uneven_factors()))
      .add_initializer("b1", stretched(noise(random, {kChannels}, 0.1F), uneven_factors()))
      .add_initializer("slopes", noise(random, {kChannels, 1, 1}, 0.3F))
      .add_initializer(
          "w2", stretched(noise(random, {kChannels, 1, 3, 3}, 0.3F), inverse(uneven_factors())))
      .add_initializer("w3", noise(random, {kChannels, kChannels, 1, 1}, 0.3F))
      .add_node({"Conv", {"x", "w1", "b1"}, {"c"}})
      .add_node({"PRelu", {"c", "slopes"}, {"d"}})
      .add_node({"Conv", {"d", "w2"}, {"e"}, {{"group", kChannels}, {"pads", ones}}})
      .add_node({"Relu", {"e"}, {"f"}})
      .add_node({"MaxPool", {"f"}, {"g"}, {{"kernel_shape", two}, {"strides", two}}})
      .add_node({"Conv", {"g", "w3"}, {"y"}})
      .add_output({"y", {1, kChannels, 6, 6}});
  if (tail) tail(builder);
  return builder.serialize().value();
}

void observe(Quantizer& quantizer) {
  for (unsigned seed = 0; seed < 8; ++seed) ASSERT_TRUE(quantizer.observe(example(seed)));
}

/// The network as the quantizer writes it.
Network written(const Quantizer& quantizer, bool on_bytes) {
  const std::vector<bool> flags(quantizer.layers().size(), on_bytes);
  return Network::parse(quantizer.write(RangeMethod::MinimumMaximum, flags).value()).value();
}

double cosine_to(const std::vector<Tensor>& theirs, const std::vector<Tensor>& ours) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t index = 0; index < ours[0].values.size(); ++index) {
    const double a = ours[0].values[index], b = theirs[0].values[index];
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Equalization, TheNetworkComputesWhatItDid) {
  const auto bytes = uneven_network();
  auto quantizer = Quantizer::parse(bytes).value();
  observe(quantizer);
  ASSERT_TRUE(quantizer.equalize());
  observe(quantizer);
  const auto ours = written(quantizer, false).run(example(99)).value();
  const auto theirs = Network::parse(bytes).value().run(example(99)).value();
  for (size_t index = 0; index < ours[0].values.size(); ++index) {
    EXPECT_NEAR(ours[0].values[index], theirs[0].values[index], 1e-4);
  }
}

TEST(Equalization, ChannelsThatReachLessFarKeepTheirNumbersOnBytes) {
  const auto bytes = uneven_network();
  const auto theirs = Network::parse(bytes).value().run(example(99)).value();
  auto quantizer = Quantizer::parse(bytes).value();
  observe(quantizer);
  const double before = cosine_to(theirs, written(quantizer, true).run(example(99)).value());
  ASSERT_TRUE(quantizer.equalize());
  observe(quantizer);
  const double after = cosine_to(theirs, written(quantizer, true).run(example(99)).value());
  EXPECT_LT(before, 0.97);
  EXPECT_GT(after, 0.999);
}

TEST(Equalization, WhatIsReadByMoreThanConvolutionsStaysAsItIs) {
  const auto outer_reader = [](GraphBuilder& builder) {
    builder.add_output({"d", {1, kChannels, 12, 12}});
  };
  const auto sum_reader = [](GraphBuilder& builder) {
    builder.add_node({"Add", {"d", "x"}, {"sum"}}).add_output({"sum", {1, kChannels, 12, 12}});
  };
  for (const auto& tail : {std::function<void(GraphBuilder&)>(outer_reader),
                           std::function<void(GraphBuilder&)>(sum_reader)}) {
    const auto bytes = uneven_network(tail);
    auto quantizer = Quantizer::parse(bytes).value();
    observe(quantizer);
    ASSERT_TRUE(quantizer.equalize());
    observe(quantizer);
    const auto ours = written(quantizer, false).run(example(99)).value();
    const auto theirs = Network::parse(bytes).value().run(example(99)).value();
    EXPECT_EQ(ours.at(1).values, theirs.at(1).values);
  }
}

TEST(Equalization, WeightsThatTwoConvolutionsShareAreScaledForOne) {
  std::mt19937 random(11);
  GraphBuilder builder("shared", 11);
  builder.add_input({"x", {1, kChannels, 4, 4}})
      .add_initializer(
          "w", stretched(noise(random, {kChannels, kChannels, 1, 1}, 0.3F), uneven_factors()))
      .add_initializer("v", noise(random, {kChannels, 1, 1, 1}, 1))
      .add_node({"Conv", {"x", "w"}, {"c"}})
      .add_node({"Conv", {"c", "v"}, {"y"}, {{"group", kChannels}}})
      .add_node({"Conv", {"x", "w"}, {"z"}})
      .add_output({"y", {1, kChannels, 4, 4}})
      .add_output({"z", {1, kChannels, 4, 4}});
  const auto bytes = builder.serialize().value();
  auto quantizer = Quantizer::parse(bytes).value();
  const Tensor input = noise(random, {1, kChannels, 4, 4}, 1);
  ASSERT_TRUE(quantizer.observe(input));
  ASSERT_TRUE(quantizer.equalize());
  ASSERT_TRUE(quantizer.observe(input));
  const auto ours = written(quantizer, false).run(input).value();
  const auto theirs = Network::parse(bytes).value().run(input).value();
  EXPECT_EQ(ours[1].values, theirs[1].values);
  for (size_t index = 0; index < ours[0].values.size(); ++index) {
    EXPECT_NEAR(ours[0].values[index], theirs[0].values[index],
                1e-5 * std::abs(theirs[0].values[index]) + 1e-4);
  }
}

TEST(Equalization, AChannelAtRestIsStretchedNoFurtherThanItsLimit) {
  Graph graph;
  const auto constant = [&](Shape shape, std::vector<float> numbers) {
    graph.values.push_back({"", std::make_shared<Constant>(Constant{
                                    .shape = std::move(shape), .floats = std::move(numbers)})});
    return static_cast<ValueIndex>(graph.values.size() - 1);
  };
  const auto value = [&] {
    graph.values.push_back({});
    return static_cast<ValueIndex>(graph.values.size() - 1);
  };
  const ValueIndex x = value(), c = value(), y = value();
  const ValueIndex w = constant({3, 1, 1, 1}, {1, 1, 1}), v = constant({3, 1, 1, 1}, {1, 1, 1});
  graph.nodes.push_back({"Conv", "", Conv{{}, 1}, {x, w}, {c}});
  graph.nodes.push_back({"Conv", "", Conv{{}, 3}, {c, v}, {y}});
  graph.output_values = {y};
  // By hand: 8 / 2 is 4, and what never moved is taken for a sixty-fourth of the farthest.
  EXPECT_EQ(equalize_channels(graph, {{c, {8, 2, 0}}}), 1U);
  EXPECT_EQ(graph.values[static_cast<size_t>(w)].constant->floats, (std::vector<float>{1, 4, 64}));
  EXPECT_EQ(graph.values[static_cast<size_t>(v)].constant->floats,
            (std::vector<float>{1, 0.25F, 1 / 64.0F}));
  EXPECT_EQ(equalize_channels(graph, {{c, {0, 0, 0}}}), 0U) << "nothing moved at all";
}

TEST(Equalization, WantsToHaveSeenSomething) {
  auto quantizer = Quantizer::parse(uneven_network()).value();
  EXPECT_EQ(quantizer.equalize().error().reason, "nothing_observed");
  observe(quantizer);
  ASSERT_TRUE(quantizer.equalize());
  const std::vector<bool> flags(quantizer.layers().size(), true);
  EXPECT_EQ(quantizer.write(RangeMethod::MinimumMaximum, flags).error().reason, "nothing_observed");
}

}  // namespace
}  // namespace faceforge::nn
