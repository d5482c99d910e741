#include "nn/quantizer.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/range_histogram.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

/// Two convolutions with what networks have around them, and a matrix.
std::vector<std::byte> small_network() {
  std::mt19937 random(3);
  GraphBuilder builder("small", 11);
  builder.add_input({"x", {1, 16, 12, 12}});
  builder.add_initializer("w1", noise(random, {32, 16, 3, 3}, 0.1F));
  // A name that the quantizer would like to give.
  builder.add_initializer("x_scale", Tensor{{32, 1, 1}, std::vector<float>(32, 0.25F)});
  builder.add_initializer("w2", noise(random, {32, 1, 3, 3}, 0.3F));
  builder.add_initializer("w3", noise(random, {8, 32, 1, 1}, 0.2F));
  builder.add_initializer("w4", noise(random, {288, 10}, 0.1F));
  builder.add_initializer("b4", noise(random, {10}, 0.1F));
  const std::vector<int64_t> two{2, 2}, ones{1, 1, 1, 1};
  builder.add_node({"Conv", {"x", "w1"}, {"c1"}, {{"pads", ones}}});
  builder.add_node({"PRelu", {"c1", "x_scale"}, {"p1"}});
  builder.add_node({"Conv", {"p1", "w2"}, {"c2"}, {{"group", int64_t{32}}, {"pads", ones}}});
  builder.add_node({"Add", {"c2", "p1"}, {"sum"}});
  builder.add_node({"Clip", {"sum"}, {"clipped"}});
  builder.add_node(
      {"AveragePool", {"clipped"}, {"pool"}, {{"kernel_shape", two}, {"strides", two}}});
  builder.add_node({"Conv", {"pool", "w3"}, {"c3"}});
  builder.add_node({"Flatten", {"c3"}, {"flat"}, {{"axis", int64_t{1}}}});
  builder.add_node({"Gemm", {"flat", "w4", "b4"}, {"y"}});
  builder.add_output({"y", {1, 10}});
  return *builder.serialize();
}

Tensor example(unsigned seed) {
  std::mt19937 random(seed);
  return noise(random, {1, 16, 12, 12}, 1);
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t index = 0; index < a.size(); ++index) {
    ab += static_cast<double>(a[index]) * b[index];
    aa += static_cast<double>(a[index]) * a[index];
    bb += static_cast<double>(b[index]) * b[index];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Quantizer, TheNetworkOnBytesAnswersNearlyAsTheOneOnFloats) {
  const auto bytes = small_network();
  const auto floats = Network::parse(bytes);
  auto quantizer = Quantizer::parse(bytes);
  ASSERT_TRUE(floats && quantizer);
  ASSERT_EQ(quantizer->layers().size(), 4);
  EXPECT_EQ(quantizer->layers()[0].weight_count, 32 * 16 * 9);
  for (unsigned seed = 0; seed < 8; ++seed) ASSERT_TRUE(quantizer->observe(example(seed)));
  for (const RangeMethod method : {RangeMethod::MinimumMaximum, RangeMethod::Percentile,
                                   RangeMethod::Entropy, RangeMethod::SquaredError}) {
    const auto written = quantizer->write(method, std::vector<bool>(4, true));
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_LT(written->size(), bytes.size() / 2);  // bytes for floats
    const auto quantized = Network::parse(*written);
    ASSERT_TRUE(quantized) << quantized.error().message;
    const auto ours = quantized->run(example(99)), theirs = floats->run(example(99));
    ASSERT_TRUE(ours && theirs);
    EXPECT_GT(cosine((*ours)[0].values, (*theirs)[0].values), 0.995) << to_string(method);
    EXPECT_NE((*ours)[0].values, (*theirs)[0].values);
  }
}

/// The network of one convolution, `weights` as [outputs, channels, rows, columns].
std::vector<std::byte> one_convolution(const Tensor& weights, Shape picture, int64_t group_count,
                                       const std::vector<int64_t>& pads) {
  GraphBuilder builder("one", 11);
  builder.add_input({"x", std::move(picture)});
  builder.add_initializer("w", weights);
  builder.add_node({"Conv", {"x", "w"}, {"y"}, {{"group", group_count}, {"pads", pads}}});
  builder.add_output({"y", {}});
  return builder.serialize().value();
}

/// The mean of what each output channel is on bytes, of the example that was observed alone.
std::vector<double> means_on_bytes(const std::vector<std::byte>& bytes, const Tensor& input) {
  auto quantizer = Quantizer::parse(bytes).value();
  EXPECT_TRUE(quantizer.observe(input));
  const auto written = quantizer.write(RangeMethod::MinimumMaximum, {true}).value();
  const Tensor output = Network::parse(written)->run(input).value()[0];
  const auto channels = static_cast<size_t>(output.shape[1]);
  const size_t area = output.values.size() / channels;
  std::vector<double> means(channels, 0);
  for (size_t index = 0; index < output.values.size(); ++index) {
    means[index / area] += output.values[index] / static_cast<double>(area);
  }
  return means;
}

// In what follows the greatest weight of a row is 127, so that weights are rounded to whole numbers
// and 0.4 to none: by hand, what is lost of an input that is 10 everywhere is 4 for each such
// weight that meets it.

TEST(Quantizer, WhatRoundingTakesFromTheWeightsIsGivenBackInTheMean) {
  Tensor weights{{2, 8, 1, 1}, std::vector<float>(16, 0)};
  weights.values[0] = weights.values[8] = 127;
  weights.values[1] = 0.4F;
  weights.values[15] = -0.4F;
  Tensor input{{1, 8, 1, 1}, {0, 10, 0, 0, 0, 0, 0, 20}};
  const auto means = means_on_bytes(one_convolution(weights, input.shape, 1, {0, 0, 0, 0}), input);
  EXPECT_NEAR(means[0], 4, 1e-3);
  EXPECT_NEAR(means[1], -8, 1e-3);
}

TEST(Quantizer, ADepthwiseConvolutionIsGivenBackWhatItsOwnChannelsLost) {
  Tensor weights{{16, 1, 1, 2}, std::vector<float>(32, 0)};
  Tensor input{{1, 16, 1, 2}, std::vector<float>(32, 0)};
  for (size_t channel = 0; channel < 16; ++channel) {
    weights.values[2 * channel] = 127;
    weights.values[2 * channel + 1] = 0.4F;
    input.values[2 * channel + 1] = static_cast<float>(channel);
  }
  const auto means = means_on_bytes(one_convolution(weights, input.shape, 16, {0, 0, 0, 0}), input);
  // The mean of a channel over its two pixels is what is known: half of what the second weight met.
  for (size_t channel = 0; channel < 16; ++channel) {
    EXPECT_NEAR(means[channel], 0.2 * static_cast<double>(channel), 1e-3);
  }
}

TEST(Quantizer, ABorderGivesNothingBack) {
  // 3x3 over pictures of side 1, 2 and 7, all 10: what lies outside loses nothing.
  for (const int64_t side : {1, 2, 7}) {
    Tensor weights{{8, 8, 3, 3}, std::vector<float>(576, 0.4F)};
    for (size_t row = 0; row < 8; ++row) weights.values[72 * row + 4] = 127;
    const Tensor input{{1, 8, side, side},
                       std::vector<float>(static_cast<size_t>(8 * side * side), 10)};
    const auto bytes = one_convolution(weights, input.shape, 1, {1, 1, 1, 1});
    const Tensor floats = Network::parse(bytes)->run(input).value()[0];
    double mean = 0;
    for (const float number : floats.values)
      mean += number / static_cast<double>(floats.values.size());
    for (const double ours : means_on_bytes(bytes, input)) EXPECT_NEAR(ours, mean, 0.05) << side;
  }
}

TEST(Quantizer, RowsOfAMatrixAreExamplesAndItsColumnsChannels) {
  // A row of 128 numbers is read as 8 rows of 16; of each the second is 10.
  GraphBuilder builder("rows", 11);
  std::vector<float> weights(16, 0), pixels(128, 0);
  weights[0] = 127;
  weights[1] = 0.4F;
  for (size_t row = 0; row < 8; ++row) pixels[16 * row + 1] = 10;
  builder.add_input({"x", {1, 128}});
  builder.add_initializer("shape", IntegerTensor{{2}, {8, 16}});
  builder.add_initializer("w", Tensor{{16, 1}, weights});
  builder.add_initializer("b", Tensor{{1}, {3}});
  builder.add_node({"Reshape", {"x", "shape"}, {"rows"}});
  builder.add_node({"Gemm", {"rows", "w", "b"}, {"y"}});
  builder.add_output({"y", {8, 1}});
  for (const double mean : means_on_bytes(builder.serialize().value(), Tensor{{1, 128}, pixels})) {
    EXPECT_NEAR(mean, 7, 1e-3);
  }
}

TEST(Quantizer, TheWorkOfALayerIsThatOfTheFirstExample) {
  auto quantizer = Quantizer::parse(small_network()).value();
  EXPECT_EQ(quantizer.layers()[0].multiplication_count, 0);
  ASSERT_TRUE(quantizer.observe(example(0)));
  // By hand: 16 to 32 channels by 3x3 over 12x12 pixels; depthwise; and the matrix.
  EXPECT_EQ(quantizer.layers()[0].multiplication_count, 32 * 16 * 9 * 144);
  EXPECT_EQ(quantizer.layers()[0].number_count, (16 + 32) * 144);
  EXPECT_EQ(quantizer.layers()[1].multiplication_count, 32 * 9 * 144);
  EXPECT_EQ(quantizer.layers()[3].multiplication_count, 288 * 10);
}

TEST(Quantizer, LayersThatStayFloatsAnswerAsBefore) {
  const auto bytes = small_network();
  auto quantizer = Quantizer::parse(bytes);
  ASSERT_TRUE(quantizer && quantizer->observe(example(0)));
  const auto written = quantizer->write(RangeMethod::MinimumMaximum, std::vector<bool>(4, false));
  ASSERT_TRUE(written) << written.error().message;
  const auto ours = Network::parse(*written)->run(example(5));
  const auto theirs = Network::parse(bytes)->run(example(5));
  ASSERT_TRUE(ours && theirs);
  EXPECT_EQ((*ours)[0].values, (*theirs)[0].values);
}

TEST(Quantizer, WithoutExamplesThereAreNoRanges) {
  const auto quantizer = Quantizer::parse(small_network());
  const auto written = quantizer->write(RangeMethod::MinimumMaximum, std::vector<bool>(4, true));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason, "nothing_observed");
}

TEST(Quantizer, EveryLayerWantsItsFlag) {
  const auto quantizer = Quantizer::parse(small_network());
  const auto written = quantizer->write(RangeMethod::Entropy, {true});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason, "layer_count");
}

TEST(Quantizer, AnExampleThatMakesInfinitiesIsRefused) {
  auto quantizer = Quantizer::parse(small_network());
  Tensor input = example(0);
  input.values[7] = INFINITY;
  const auto observed = quantizer->observe(input);
  ASSERT_FALSE(observed);
  EXPECT_EQ(observed.error().reason, "activation_not_finite");
  const auto written = quantizer->write(RangeMethod::MinimumMaximum, std::vector<bool>(4, true));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason, "nothing_observed");
}

TEST(Quantizer, PicturesOfManySizesInTurnsShowWhatTheyShowOneSizeAfterTheOther) {
  std::mt19937 random(4);
  GraphBuilder builder("open", 11);
  builder.add_input({"x", {1, 16, -1, -1}});
  builder.add_initializer("w1", noise(random, {16, 16, 3, 3}, 0.1F));
  builder.add_node({"Conv", {"x", "w1"}, {"y"}});
  builder.add_output({"y", {1, 16, -1, -1}});
  const auto bytes = builder.serialize().value();
  constexpr int64_t kSizeCount = 10;  // more than programs are kept
  const auto written = [&](bool in_turns) {
    auto quantizer = Quantizer::parse(bytes).value();
    for (int64_t step = 0; step < 2 * kSizeCount; ++step) {
      const int64_t size = in_turns ? step % kSizeCount : step / 2;
      const int64_t which = in_turns ? step / kSizeCount : step % 2;
      std::mt19937 pixels(static_cast<unsigned>(2 * size + which));
      EXPECT_TRUE(quantizer.observe(noise(pixels, {1, 16, 5 + size, 9}, 1)));
    }
    return quantizer.write(RangeMethod::MinimumMaximum, {true}).value();
  };
  EXPECT_EQ(written(true), written(false));
}

TEST(RangeMethod, ComesBackFromItsName) {
  for (const RangeMethod method : {RangeMethod::MinimumMaximum, RangeMethod::Percentile,
                                   RangeMethod::Entropy, RangeMethod::SquaredError}) {
    EXPECT_EQ(range_method_from(to_string(method)), method);
  }
  EXPECT_EQ(range_method_from("taste"), std::nullopt);
}

TEST(Quantizer, AQuantizedNetworkIsNotQuantizedAgain) {
  auto quantizer = Quantizer::parse(small_network());
  ASSERT_TRUE(quantizer->observe(example(0)));
  const auto written = quantizer->write(RangeMethod::MinimumMaximum, std::vector<bool>(4, true));
  const auto again = Quantizer::parse(*written);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "already_quantized");
}

TEST(RangeHistogram, APercentileLeavesOutAsManyNumbersAtEachEnd) {
  RangeHistogram histogram;
  std::vector<float> numbers;
  for (int index = 0; index < 10'000; ++index) numbers.push_back(static_cast<float>(index) / 100);
  histogram.add(numbers);
  const auto [low, high] = histogram.percentile(0.01);
  EXPECT_NEAR(low, 1, 0.1);  // two bins of 200 / 4096
  EXPECT_NEAR(high, 99, 0.1);
}

TEST(RangeHistogram, WhatIsNotFiniteOrNearlyNotIsNotTaken) {
  EXPECT_TRUE(RangeHistogram::takes(std::vector<float>{-1e30F, 0, 1e30F}));
  for (const float number : {std::numeric_limits<float>::max(), INFINITY, -INFINITY, NAN}) {
    EXPECT_FALSE(RangeHistogram::takes(std::vector<float>{1, number}));
  }
}

TEST(RangeHistogram, LargerNumbersThatComeLaterKeepTheEarlierOnes) {
  RangeHistogram histogram;
  histogram.add(std::vector<float>(1000, 1.0F));
  histogram.add(std::vector<float>{-1000, 500});
  EXPECT_EQ(histogram.extremes(), (std::pair{-1000.0F, 500.0F}));
  const auto [low, high] = histogram.percentile(0.01);
  EXPECT_NEAR(low, 1, 1);
  EXPECT_NEAR(high, 1, 1);
}

TEST(RangeHistogram, EntropyGivesUpALoneOutlierAndKeepsADenseRange) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> numbers;
  for (int index = 0; index < 100'000; ++index) numbers.push_back(normal(random));
  numbers.push_back(40);
  RangeHistogram with_outlier, uniform;
  with_outlier.add(numbers);
  EXPECT_LT(with_outlier.entropy().second, 20);
  std::uniform_real_distribution<float> flat(-1, 1);
  for (float& number : numbers) number = flat(random);
  uniform.add(numbers);
  EXPECT_GT(uniform.entropy().second, 0.9F);
}

/// What is lost of numbers that a range rounds, computed from each.
double squared_error_of(const std::vector<float>& numbers, std::pair<float, float> range) {
  const Quantization by = quantization_of_range(range);
  double sum = 0;
  for (const float number : numbers) {
    const float level =
        std::clamp(std::round(number / by.scale) + static_cast<float>(by.zero), 0.0F, 255.0F);
    const double error = number - by.scale * (level - static_cast<float>(by.zero));
    sum += error * error;
  }
  return sum;
}

TEST(RangeHistogram, NoOtherRangeIsNearerToTheNumbersThanThatOfTheLeastSquaredError) {
  // Half of each side within 1 and a few numbers out to 10 and to -20, after many zeros, as
  // activations are.
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> numbers(100'000, 0);
  for (int index = 0; index < 200'000; ++index) numbers.push_back(normal(random));
  for (int index = 0; index < 4; ++index) {
    numbers.push_back(10);
    numbers.push_back(-20);
  }
  RangeHistogram histogram;
  histogram.add(numbers);
  const auto range = histogram.squared_error();
  const double least = squared_error_of(numbers, range);
  const auto [lowest, highest] = histogram.extremes();
  EXPECT_LT(least, 0.9 * squared_error_of(numbers, histogram.extremes()));
  EXPECT_LT(range.first, 0.9F * lowest);
  EXPECT_LT(range.second, 0.9F * highest);
  for (const float factor : {0.1F, 0.37F, 1.3F, 7.7F, 91.0F}) {
    std::vector<float> scaled = numbers;
    for (float& number : scaled) number *= factor;
    RangeHistogram other;
    other.add(scaled);
    EXPECT_NEAR(other.squared_error().first / factor, range.first, 1e-3);
    EXPECT_NEAR(other.squared_error().second / factor, range.second, 1e-3);
  }
  for (float share = 0.05F; share <= 1; share += 0.05F) {
    for (float other = 0.05F; other <= 1; other += 0.05F) {
      // Cuts in sixty-fourths may miss the best one by as much.
      EXPECT_LT(least, 1.02 * squared_error_of(numbers, {lowest * share, highest * other}));
    }
  }
}

TEST(RangeHistogram, ZeroIsExactlyOneOfTheBytes) {
  const auto signed_range = quantization_of_range({-1, 3});
  EXPECT_NEAR(signed_range.scale, 4.0F / 255, 1e-7F);
  EXPECT_EQ(signed_range.zero, 64);
  EXPECT_EQ(quantization_of_range({0.5F, 3}).zero, 0);
  EXPECT_EQ(quantization_of_range({-3, -1}).zero, 255);
  EXPECT_GT(quantization_of_range({0, 0}).scale, 0);
}

}  // namespace
}  // namespace faceforge::nn
