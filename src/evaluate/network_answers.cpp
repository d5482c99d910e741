#include "evaluate/network_answers.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <utility>

#include "base/check.h"
#include "base/parallel_work.h"
#include "base/without_throwing.h"

namespace faceforge::evaluate {
namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b,
              const std::vector<float>& centre) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double middle = centre.empty() ? 0.0 : double{centre[i]};
    const double x = double{a[i]} - middle, y = double{b[i]} - middle;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  if (aa == 0 || bb == 0) return aa == bb ? 1 : 0;
  return ab / std::sqrt(aa * bb);
}

/// Runs a network on each input.
Result<std::vector<std::vector<nn::Tensor>>> run_all(const nn::Network& network,
                                                     const auto& inputs) {
  const auto count = static_cast<size_t>(std::ranges::size(inputs));
  std::vector<Result<std::vector<nn::Tensor>>> results(count);
  const auto run = [&](size_t index) {
    results[index] = without_throwing([&] { return network.run(inputs[index]); });
  };
  TRY(work_through(count, run, every_core(), {}));
  std::vector<std::vector<nn::Tensor>> outputs;
  for (auto& result : results) outputs.push_back(TRY(std::move(result)));
  return outputs;
}

}  // namespace

Result<NetworkAnswers> NetworkAnswers::of(const nn::Network& network,
                                          std::vector<nn::Tensor> inputs, AnswerCentre centre) {
  NetworkAnswers answers;
  answers.centres_.resize(network.outputs().size());
  auto outputs = TRY(run_all(network, inputs));
  for (size_t index = 0; index < inputs.size(); ++index) {
    answers.examples_.push_back({std::move(inputs[index]), std::move(outputs[index])});
  }
  if (centre == AnswerCentre::Zero || answers.examples_.empty()) return answers;
  for (size_t output = 0; output < answers.centres_.size(); ++output) {
    std::vector<float>& mean = answers.centres_[output];
    mean.resize(answers.examples_.front().answers[output].values.size());
    for (const Example& example : answers.examples_) {
      const std::vector<float>& values = example.answers[output].values;
      CHECK_MSG(values.size() == mean.size(), "answers that have a mean are of one length");
      for (size_t i = 0; i < mean.size(); ++i) {
        mean[i] += values[i] / static_cast<float>(answers.examples_.size());
      }
    }
  }
  return answers;
}

Result<NetworkAnswers> NetworkAnswers::of(const nn::Network& network,
                                          std::vector<nn::Tensor> inputs,
                                          std::vector<float> centre) {
  auto answers = TRY(of(network, std::move(inputs), AnswerCentre::Zero));
  for (const Example& example : answers.examples_) {
    CHECK(example.answers.size() == 1 && example.answers[0].values.size() == centre.size());
  }
  answers.centres_ = {std::move(centre)};
  return answers;
}

Result<double> NetworkAnswers::mean_cosine(std::span<const std::byte> onnx,
                                           size_t example_limit) const {
  const auto network = TRY(nn::Network::parse(onnx));
  const size_t count = std::min(example_limit, examples_.size());
  CHECK(count > 0);
  const std::span<const Example> examples = std::span(examples_).first(count);
  const auto all_outputs = TRY(run_all(network, examples | std::views::transform(&Example::input)));
  double sum = 0;
  size_t compared_count = 0;
  for (size_t index = 0; index < count; ++index) {
    const Example& example = examples[index];
    const std::vector<nn::Tensor>& outputs = all_outputs[index];
    if (!std::ranges::equal(outputs, example.answers, {}, &nn::Tensor::shape, &nn::Tensor::shape)) {
      return fail(ErrorCode::Corrupt, "network_shape",
                  "the quantized network has other outputs than its parent");
    }
    for (size_t output = 0; output < outputs.size(); ++output) {
      sum += cosine(outputs[output].values, example.answers[output].values, centres_[output]);
      ++compared_count;
    }
  }
  return sum / static_cast<double>(compared_count);
}

}  // namespace faceforge::evaluate
