#include "nn/equalization.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/quantizer.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

constexpr int64_t kChannels = 16;

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
  ASSERT_EQ(quantizer.equalize().value(), 2U);  // before the depthwise and the last one
  observe(quantizer);
  const auto ours = written(quantizer, false).run(example(99)).value();
  const auto theirs = Network::parse(bytes).value().run(example(99)).value();
  // Sums of 16 numbers of about 1, each rounded to 24 bits three times.
  for (size_t index = 0; index < ours[0].values.size(); ++index) {
    EXPECT_NEAR(ours[0].values[index], theirs[0].values[index], 1e-4);
  }
}

TEST(Equalization, AChannelThatExamplesLeftAtRestDoesNoHarmWhenItWakes) {
  // ReLU keeps the last channel at 0 until its input is positive.
  std::vector<float> identity(size_t{kChannels} * kChannels, 0);
  for (size_t channel = 0; channel < kChannels; ++channel)
    identity[channel * kChannels + channel] = 1;
  std::mt19937 random(17);
  GraphBuilder builder("resting", 11);
  const std::vector<int64_t> ones{1, 1, 1, 1};
  builder.add_input({"x", {1, kChannels, 12, 12}})
      .add_initializer("w1", Tensor{{kChannels, kChannels, 1, 1}, identity})
      .add_initializer("w2", noise(random, {kChannels, 1, 3, 3}, 0.3F))
      .add_node({"Conv", {"x", "w1"}, {"c"}})
      .add_node({"Relu", {"c"}, {"d"}})
      .add_node({"Conv", {"d", "w2"}, {"y"}, {{"group", kChannels}, {"pads", ones}}})
      .add_output({"y", {1, kChannels, 12, 12}});
  const auto bytes = builder.serialize().value();
  const auto with_last = [](unsigned seed, float sign) {
    Tensor input = example(seed);
    for (float& number : std::span(input.values).last(144)) number = sign * std::abs(number);
    return input;
  };
  auto quantizer = Quantizer::parse(bytes).value();
  for (unsigned seed = 0; seed < 8; ++seed) ASSERT_TRUE(quantizer.observe(with_last(seed, -1)));
  ASSERT_EQ(quantizer.equalize().value(), 1U);
  for (unsigned seed = 8; seed < 16; ++seed) ASSERT_TRUE(quantizer.observe(with_last(seed, 1)));
  const Tensor awake = with_last(99, 1);
  const auto theirs = Network::parse(bytes).value().run(awake).value();
  EXPECT_GT(cosine_to(theirs, written(quantizer, true).run(awake).value()), 0.9995);
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
  EXPECT_LT(before, 0.97);  // the depthwise one reads noise where channels reach a hundredth
  EXPECT_GT(after, 0.999);
}

/// A chain of values by hand, for what files seldom have.
struct HandMade {
  Graph graph;

  ValueIndex value() {
    graph.values.push_back({});
    return static_cast<ValueIndex>(graph.values.size() - 1);
  }
  ValueIndex constant(Shape shape, std::vector<float> numbers) {
    const ValueIndex index = value();
    graph.values.back().constant = std::make_shared<const Constant>(
        Constant{.shape = std::move(shape), .floats = std::move(numbers)});
    return index;
  }
  ValueIndex add(Operation operation, std::vector<ValueIndex> inputs) {
    const ValueIndex output = value();
    graph.nodes.push_back({"", "", std::move(operation), std::move(inputs), {output}});
    return output;
  }
  const std::vector<float>& numbers(ValueIndex index) const {
    return graph.values[static_cast<size_t>(index)].constant->floats;
  }
};

/// A 1x1 convolution of one channel to three, something, and a depthwise 1x1 one.
struct Chain : HandMade {
  ValueIndex weights = constant({3, 1, 1, 1}, {1, 1, 1});
  ValueIndex bias = constant({3}, {1, 1, 1});
  ValueIndex depthwise_weights = constant({3, 1, 1, 1}, {1, 1, 1});
  ValueIndex made = add(Conv{{}, 1}, {value(), weights, bias});
  ValueIndex source = made;

  void between(Operation operation, std::vector<ValueIndex> others = {}) {
    others.insert(others.begin(), source);
    source = add(std::move(operation), std::move(others));
  }
  void end() { graph.output_values = {add(Conv{{}, 3}, {source, depthwise_weights})}; }
  /// Whether it is rescaled where channels reach 8, 2 and 1.
  bool is_rescaled() {
    const bool is = equalize_channels(graph, {{source, {8, 2, 1}}}) == 1;
    const std::vector<float> stretched{1, 4, 8}, as_it_was{1, 1, 1};
    EXPECT_EQ(numbers(weights), is ? stretched : as_it_was);
    EXPECT_EQ(numbers(bias), is ? stretched : as_it_was);
    EXPECT_EQ(numbers(depthwise_weights), is ? (std::vector<float>{1, 0.25F, 0.125F}) : as_it_was);
    return is;
  }
};

TEST(Equalization, FactorsPassThroughWhatKeepsThem) {
  for (const Operation& operation : std::vector<Operation>{
           Unary{UnaryKind::Relu, 0, 0}, Unary{UnaryKind::LeakyRelu, 0.1F, 0},
           Pool{{}, PoolKind::Max, false}, Pool{{}, PoolKind::AverageOfPicture, false}}) {
    Chain chain;
    chain.between(operation);
    chain.end();
    EXPECT_TRUE(chain.is_rescaled());
  }
  Chain prelu;
  prelu.between(Binary{BinaryKind::PRelu}, {prelu.constant({3, 1, 1}, {0.1F, 0.2F, -0.3F})});
  prelu.end();
  EXPECT_TRUE(prelu.is_rescaled());
}

TEST(Equalization, WhatChangesByAFactorEndsAChain) {
  for (const Operation& operation :
       std::vector<Operation>{Unary{UnaryKind::Clip, 0, 6}, Unary{UnaryKind::Sigmoid, 0, 0},
                              Unary{UnaryKind::HardSwish, 0, 0}, Softmax{}, Reshape{}, Transpose{},
                              Concat{1}, BatchNorm{}, GlobalPool{}, Binary{BinaryKind::Add}}) {
    Chain chain;
    chain.between(operation);
    chain.end();
    EXPECT_FALSE(chain.is_rescaled());
  }
}

TEST(Equalization, AValueThatAnythingElseReadsStaysAsItIs) {
  for (const bool in_the_middle : {true, false}) {
    Chain asked_for, added;
    for (Chain* chain : {&asked_for, &added}) {
      chain->between(Unary{UnaryKind::Relu, 0, 0});
      chain->end();
    }
    asked_for.graph.output_values.push_back(in_the_middle ? asked_for.made : asked_for.source);
    EXPECT_FALSE(asked_for.is_rescaled());
    added.add(Binary{BinaryKind::Add}, {in_the_middle ? added.made : added.source, added.value()});
    EXPECT_FALSE(added.is_rescaled());
  }
}

TEST(Equalization, ConstantsThatAnotherReadsStayAsTheyAre) {
  for (ValueIndex Chain::*constant : {&Chain::weights, &Chain::bias, &Chain::depthwise_weights}) {
    Chain chain;
    chain.end();
    chain.add(Unary{UnaryKind::Relu, 0, 0}, {chain.*constant});
    EXPECT_FALSE(chain.is_rescaled());
  }
  Chain computed;  // a bias that only a run knows
  computed.end();
  computed.graph.nodes[0].inputs[2] = computed.value();
  EXPECT_FALSE(computed.is_rescaled());
}

TEST(Equalization, FactorsThatWouldMakeInfinitiesAreNone) {
  Chain chain;
  chain.end();
  chain.graph.values[static_cast<size_t>(chain.weights)].constant =
      std::make_shared<const Constant>(Constant{.shape = {3, 1, 1, 1}, .floats = {1, 3e38F, 1}});
  EXPECT_EQ(equalize_channels(chain.graph, {{chain.source, {8, 2, 1}}}), 0U);
  EXPECT_EQ(chain.numbers(chain.bias), (std::vector<float>{1, 1, 1}));
}

TEST(Equalization, ReachAndWeightsOfADenseConvolutionMeetHalfWay) {
  HandMade made;
  const ValueIndex weights = made.constant({2, 1, 1, 1}, {1, 1});
  const ValueIndex source = made.add(Conv{{}, 1}, {made.value(), weights});
  // Two channels of two taps to two outputs. In shares of each output's greatest weight the first
  // channel has 1, the second 1/4.
  const ValueIndex dense = made.constant({2, 2, 1, 2}, {8, 1, 1, 2, 0, 4, 1, 0});
  made.graph.output_values = {made.add(Conv{{}, 1}, {source, dense})};
  // By hand: the second reaches a sixteenth, so its factor is the root of 16 / 4.
  EXPECT_EQ(equalize_channels(made.graph, {{source, {16, 1}}}), 1U);
  EXPECT_EQ(made.numbers(weights), (std::vector<float>{1, 2}));
  EXPECT_EQ(made.numbers(dense), (std::vector<float>{8, 1, 0.5F, 1, 0, 4, 0.5F, 0}));
}

TEST(Equalization, AChannelAtRestStaysAndNoneIsStretchedBeyondTheLimit) {
  Chain chain;
  chain.end();
  EXPECT_EQ(equalize_channels(chain.graph, {{chain.source, {8, 0, 0.01F}}}), 1U);
  EXPECT_EQ(chain.numbers(chain.weights), (std::vector<float>{1, 1, 64}));
  EXPECT_EQ(equalize_channels(chain.graph, {{chain.source, {0, 0, 0}}}), 0U) << "nothing moved";
}

TEST(Equalization, ANetworkWithoutLayersForBytesHasNothingToRescale) {
  GraphBuilder builder("none", 11);
  builder.add_input({"x", {1, 4}}).add_node({"Relu", {"x"}, {"y"}}).add_output({"y", {1, 4}});
  auto quantizer = Quantizer::parse(builder.serialize().value()).value();
  ASSERT_TRUE(quantizer.observe(Tensor{{1, 4}, {1, 2, 3, 4}}));
  EXPECT_EQ(quantizer.equalize().value(), 0U);
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
