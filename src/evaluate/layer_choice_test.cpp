#include "evaluate/layer_choice.h"

#include <algorithm>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "evaluate/network_answers.h"
#include "nn/network.h"
#include "nn/writer.h"

namespace faceforge::evaluate {
namespace {

constexpr int64_t kChannels = 16;

nn::Tensor noise(std::mt19937& random, std::vector<int64_t> shape, float deviation) {
  size_t count = 1;
  for (const int64_t side : shape) count *= static_cast<size_t>(side);
  nn::Tensor tensor{std::move(shape), std::vector<float>(count)};
  std::normal_distribution<float> normal(0, deviation);
  for (float& value : tensor.values) value = normal(random);
  return tensor;
}

/// Three convolutions, `first`, `wide` and `last`. One channel of the second's source is a thousand
/// times the others and the second hardly looks at it: as bytes the others are nothing.
std::vector<std::byte> network_with_one_layer_that_hurts() {
  std::mt19937 random(5);
  nn::Tensor gains{{kChannels, 1, 1}, std::vector<float>(kChannels, 1)};
  gains.values[0] = 1000;
  nn::Tensor wide = noise(random, {kChannels, kChannels, 3, 3}, 0.1F);
  for (int64_t filter = 0; filter < kChannels; ++filter) {
    std::fill_n(wide.values.begin() + filter * kChannels * 9, 9, 1e-6F);
  }
  const std::vector<int64_t> ones{1, 1, 1, 1};
  nn::GraphBuilder model("three");
  model.add_input({"in", {1, kChannels, 10, 10}})
      .add_initializer("w1", noise(random, {kChannels, kChannels, 3, 3}, 0.1F))
      .add_initializer("gains", gains)
      .add_initializer("w2", wide)
      .add_initializer("w3", noise(random, {kChannels, kChannels, 1, 1}, 0.2F))
      .add_node({"Conv", {"in", "w1"}, {"c1"}, {{"pads", ones}}, "first"})
      .add_node({"Mul", {"c1", "gains"}, {"m1"}})
      .add_node({"Tanh", {"c1"}, {"t1"}})
      .add_node({"Add", {"m1", "t1"}, {"a1"}})
      .add_node({"Conv", {"a1", "w2"}, {"c2"}, {{"pads", ones}}, "wide"})
      .add_node({"Relu", {"c2"}, {"r2"}})
      .add_node({"Conv", {"r2", "w3"}, {"out"}, {}, "last"})
      .add_output({"out", {1, kChannels, 10, 10}});
  return model.serialize().value();
}

struct Prepared {
  nn::Quantizer quantizer;
  NetworkAnswers answers;
};

Prepared prepared() {
  const auto onnx = network_with_one_layer_that_hurts();
  auto quantizer = nn::Quantizer::parse(onnx).value();
  std::mt19937 random(9);
  for (int example = 0; example < 8; ++example) {
    EXPECT_TRUE(quantizer.observe(noise(random, {1, kChannels, 10, 10}, 1)));
  }
  std::vector<nn::Tensor> held_out;
  for (int example = 0; example < 4; ++example) {
    held_out.push_back(noise(random, {1, kChannels, 10, 10}, 1));
  }
  auto answers =
      NetworkAnswers::of(nn::Network::parse(onnx).value(), std::move(held_out), AnswerCentre::Zero)
          .value();
  return {std::move(quantizer), std::move(answers)};
}

/// Within bounds at a mean cosine of `wanted`.
JudgeNetwork judge_by(const NetworkAnswers& answers, double wanted) {
  return [&answers, wanted](std::span<const std::byte> onnx) -> Result<Judgement> {
    const double cosine = answers.mean_cosine(onnx, 4).value();
    return Judgement{1 - cosine, cosine >= wanted};
  };
}

MeasureLayer measure_by(const NetworkAnswers& answers) {
  return [&answers](std::span<const std::byte> onnx) -> Result<LayerLoss> {
    const double loss = 1 - answers.mean_cosine(onnx, 2).value();
    return LayerLoss{loss, loss};
  };
}

TEST(LayerChoice, TheLayerThatHurtsStaysFloatsAndTheOthersRunOnBytes) {
  const auto [quantizer, answers] = prepared();
  const auto choice =
      choose_layers(quantizer, judge_by(answers, 0.99), measure_by(answers), {}).value();
  ASSERT_EQ(choice.layers.size(), 3U);
  EXPECT_EQ(choice.layers[1].layer.name, "wide");
  EXPECT_GT(choice.layers[1].loss, 10 * std::max(choice.layers[0].loss, choice.layers[2].loss));
  EXPECT_TRUE(choice.layers[0].is_on_bytes);
  EXPECT_FALSE(choice.layers[1].is_on_bytes);
  EXPECT_TRUE(choice.layers[2].is_on_bytes);
  EXPECT_TRUE(choice.judgement.is_within_bounds);
  EXPECT_GE(answers.mean_cosine(choice.onnx, 4).value(), 0.99);
}

TEST(LayerChoice, TheMethodIsTheOneThatLosesLeast) {
  const auto [quantizer, answers] = prepared();
  const auto choice =
      choose_layers(quantizer, judge_by(answers, -1), measure_by(answers), {}).value();
  ASSERT_EQ(choice.methods.size(), 4U);
  const auto least = std::ranges::min_element(
      choice.methods, {}, [](const JudgedMethod& judged) { return judged.all_on_bytes.loss; });
  EXPECT_EQ(choice.method, least->method);
  EXPECT_EQ(choice.judgement.loss, least->all_on_bytes.loss);
  for (const ScannedLayer& layer : choice.layers) EXPECT_TRUE(layer.is_on_bytes) << "all may stay";
}

TEST(LayerChoice, WhereNothingIsGoodEnoughTheNetworkStaysWhatItWas) {
  const auto [quantizer, answers] = prepared();
  const auto choice =
      choose_layers(quantizer, judge_by(answers, 2), measure_by(answers), {}).value();
  EXPECT_TRUE(choice.onnx.empty());
  EXPECT_EQ(choice.judgement.loss, 0);
  for (const ScannedLayer& layer : choice.layers) EXPECT_FALSE(layer.is_on_bytes);
}

TEST(LayerChoice, OfLayersThatLoseTheSameTheOneOfLeastWorkGoesBack) {
  const auto [quantizer, answers] = prepared();
  int judged_count = 0;
  const JudgeNetwork judge = [&](std::span<const std::byte>) -> Result<Judgement> {
    return Judgement{0.5, ++judged_count == 5};  // after the methods, the first that goes back
  };
  const MeasureLayer measure = [](std::span<const std::byte>) -> Result<LayerLoss> {
    return LayerLoss{.loss = 0.1, .variance = 0.01};
  };
  const auto choice = choose_layers(quantizer, judge, measure, {}).value();
  EXPECT_EQ(choice.layers[0].loss, 0.1);
  EXPECT_TRUE(choice.layers[0].is_on_bytes);
  EXPECT_TRUE(choice.layers[1].is_on_bytes);
  EXPECT_FALSE(choice.layers[2].is_on_bytes) << "1x1, a ninth of the multiplications";
}

TEST(LayerChoice, WhatALayerReadsAndWritesIsWorkToo) {
  // By hand: of 100 pixels the first multiplies 16 x 16 x 9 times each, the last 16 x 16, and both
  // move 32 numbers, which count sixteen times. By multiplications alone the last would go back.
  const auto [quantizer, answers] = prepared();
  constexpr double kFirst = 2304 + 16 * 32, kLast = 256 + 16 * 32;
  int judged_count = 0, measured_count = 0;
  const JudgeNetwork judge = [&](std::span<const std::byte>) -> Result<Judgement> {
    return Judgement{0.5, ++judged_count == 5};
  };
  const MeasureLayer measure = [&](std::span<const std::byte>) -> Result<LayerLoss> {
    const int layer = measured_count++;
    return LayerLoss{0.1, layer == 0 ? 1.1 * kFirst : layer == 2 ? kLast : 0.0};
  };
  const auto choice = choose_layers(quantizer, judge, measure, {}).value();
  EXPECT_FALSE(choice.layers[0].is_on_bytes);
  EXPECT_TRUE(choice.layers[2].is_on_bytes);
}

TEST(LayerChoice, WhatAnswersNoNumbersIsTheWorstOfAll) {
  const auto [quantizer, answers] = prepared();
  int judged_count = 0;
  const JudgeNetwork judge = [&](std::span<const std::byte>) -> Result<Judgement> {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    // The first method, and all after the second until the second layer is floats.
    const bool is_good = ++judged_count == 2 || judged_count == 5;
    return Judgement{is_good ? 0.5 : nan, judged_count == 5};
  };
  int measured_count = 0;
  const MeasureLayer measure = [&](std::span<const std::byte>) -> Result<LayerLoss> {
    const double loss = ++measured_count == 2 ? std::numeric_limits<double>::quiet_NaN() : 0.1;
    return LayerLoss{loss, loss};
  };
  const auto choice = choose_layers(quantizer, judge, measure, {}).value();
  EXPECT_EQ(choice.method, choice.methods[1].method);
  EXPECT_FALSE(choice.layers[1].is_on_bytes);
  EXPECT_TRUE(choice.layers[0].is_on_bytes);
  EXPECT_TRUE(choice.layers[2].is_on_bytes);
}

TEST(LayerChoice, AStopEndsTheScanBetweenTwoLayers) {
  const auto [quantizer, answers] = prepared();
  std::stop_source source;
  std::vector<size_t> reported;
  const Supervision supervision{.report =
                                    [&](size_t done_count, size_t total_count) {
                                      EXPECT_EQ(total_count, 7U);
                                      reported.push_back(done_count);
                                      if (done_count == 5) source.request_stop();
                                    },
                                .stop = source.get_token()};
  const auto stopped =
      choose_layers(quantizer, judge_by(answers, 0.99), measure_by(answers), supervision);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(reported, (std::vector<size_t>{0, 1, 2, 3, 4, 5}));
}

TEST(LayerChoice, AJudgesFailureIsTold) {
  const auto [quantizer, answers] = prepared();
  const JudgeNetwork failing = [](std::span<const std::byte>) -> Result<Judgement> {
    return fail(ErrorCode::Corrupt, "unreadable", "no");
  };
  EXPECT_EQ(choose_layers(quantizer, failing, measure_by(answers), {}).error().reason,
            "unreadable");
}

}  // namespace
}  // namespace faceforge::evaluate
