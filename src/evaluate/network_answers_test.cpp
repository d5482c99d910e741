#include "evaluate/network_answers.h"

#include <gtest/gtest.h>

#include "nn/writer.h"

namespace faceforge::evaluate {
namespace {

/// Answers (x * a, y * b) to (x, y).
std::vector<std::byte> scaling(float a, float b) {
  nn::GraphBuilder model("scaling");
  model.add_input({"in", {1, 2}})
      .add_initializer("factors", nn::Tensor{{1, 2}, {a, b}})
      .add_node({"Mul", {"in", "factors"}, {"out"}})
      .add_output({"out", {1, 2}});
  return model.serialize().value();
}

nn::Tensor pair(float x, float y) {
  return {{1, 2}, {x, y}};
}

nn::Network floats() {
  return nn::Network::parse(scaling(1, 1)).value();
}

TEST(NetworkAnswers, TheMeanCosineIsOverTheExamples) {
  const auto answers =
      NetworkAnswers::of(floats(), {pair(1, 0), pair(1, 1)}, AnswerCentre::Zero).value();
  EXPECT_EQ(answers.example_count(), 2U);
  EXPECT_NEAR(answers.mean_cosine(scaling(2, 2), 2).value(), 1, 1e-9);
  // By hand: (1, 0) stays; (1, 1) becomes (1, -1), at a right angle to it.
  EXPECT_NEAR(answers.mean_cosine(scaling(1, -1), 2).value(), 0.5, 1e-9);
  EXPECT_NEAR(answers.mean_cosine(scaling(1, -1), 1).value(), 1, 1e-9) << "the first only";
}

TEST(NetworkAnswers, WhatAllAnswersShareIsTakenOffFirst) {
  const std::vector examples{pair(10, 1), pair(10, -1)};
  const auto plain = NetworkAnswers::of(floats(), examples, AnswerCentre::Zero).value();
  const auto centred = NetworkAnswers::of(floats(), examples, AnswerCentre::Mean).value();
  // (10, 1) and (10, -1): nearly the same direction; less their mean, opposite ones.
  EXPECT_GT(plain.mean_cosine(scaling(1, -1), 2).value(), 0.98);
  EXPECT_NEAR(centred.mean_cosine(scaling(1, -1), 2).value(), -1, 1e-9);
  const auto known = NetworkAnswers::of(floats(), examples, std::vector{10.0F, 0.0F}).value();
  EXPECT_NEAR(known.mean_cosine(scaling(1, -1), 2).value(), -1, 1e-9);
}

TEST(NetworkAnswers, AnswersOfZerosAgreeWithZerosOnly) {
  const auto answers = NetworkAnswers::of(floats(), {pair(0, 0)}, AnswerCentre::Zero).value();
  EXPECT_EQ(answers.mean_cosine(scaling(3, 3), 1).value(), 1);
  const auto some = NetworkAnswers::of(floats(), {pair(1, 0)}, AnswerCentre::Zero).value();
  EXPECT_EQ(some.mean_cosine(scaling(0, 0), 1).value(), 0);
}

TEST(NetworkAnswers, ANetworkWithOtherOutputsIsRefused) {
  nn::GraphBuilder model("sum");
  model.add_input({"in", {1, 2}})
      .add_node({"Concat", {"in", "in"}, {"out"}, {{"axis", int64_t{1}}}})
      .add_output({"out", {1, 4}});
  const auto answers = NetworkAnswers::of(floats(), {pair(1, 0)}, AnswerCentre::Zero).value();
  EXPECT_EQ(answers.mean_cosine(model.serialize().value(), 1).error().reason, "network_shape");
}

}  // namespace
}  // namespace faceforge::evaluate
