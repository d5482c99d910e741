#include "train/process_group.h"

#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/utils.h>

#include "support/test_data.h"
#include "train/batch_norm.h"

// Ranks are threads here; whole processes are those of tests/cli/train.test.mjs.
namespace faceforge::train {
namespace {

using torch::Tensor;
using Group = c10::intrusive_ptr<ProcessGroup>;

/// Runs `work` as each of `count` ranks at once.
void as_ranks(int count, const std::function<void(const Group&)>& work) {
  const test::TemporaryFolder folder;
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < count; ++rank) {
    ranks.emplace_back([&, rank] {
      const auto group = ProcessGroup::join(
          {.rank = rank, .count = count, .rendezvous = folder.path() / "rendezvous"}, torch::kCPU);
      ASSERT_TRUE(group) << group.error().message;
      work(*group);
    });
  }
  for (std::thread& rank : ranks) rank.join();
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(ProcessGroup, AddsUpAndGathersInTheOrderOfRanks) {
  as_ranks(3, [](const Group& group) {
    const int rank = group->rank();
    Tensor numbers = torch::tensor({1.0F + static_cast<float>(rank), 10.0F});
    group->sum(numbers);
    EXPECT_TRUE(torch::equal(numbers, torch::tensor({6.0F, 30.0F})));

    const Tensor own = torch::full({2, 1}, rank, torch::kFloat).requires_grad_();
    const Tensor all = group->gather_rows(own);
    EXPECT_TRUE(torch::equal(all, torch::tensor({0.F, 0.F, 1.F, 1.F, 2.F, 2.F}).view({6, 1})));
    (all * torch::arange(6).view({6, 1})).sum().backward();
    const Tensor own_weights = torch::arange(2 * rank, 2 * rank + 2).to(torch::kFloat);
    EXPECT_TRUE(torch::equal(own.grad().flatten(), own_weights));

    EXPECT_FALSE(group->any(false, torch::kCPU));
    EXPECT_TRUE(group->any(rank == 2, torch::kCPU));
  });
}

TEST(ProcessGroup, SumsTheGradientsThatThereAre) {
  as_ranks(2, [](const Group& group) {
    const float rank = static_cast<float>(group->rank());
    std::vector<Tensor> parameters{torch::zeros({2, 3}), torch::zeros({1}), torch::zeros({2})};
    parameters[0].mutable_grad() = torch::arange(6).to(torch::kFloat).view({3, 2}).t() + rank;
    parameters[2].mutable_grad() = torch::full({2}, rank);
    group->sum_gradients(parameters);
    EXPECT_TRUE(torch::equal(parameters[0].grad(),
                             2 * torch::arange(6).to(torch::kFloat).view({3, 2}).t() + 1));
    EXPECT_FALSE(parameters[1].grad().defined());
    EXPECT_TRUE(torch::equal(parameters[2].grad(), torch::ones({2})));
  });
}

/// What a layer makes of a batch, and what comes back through it.
struct Passed {
  Tensor output;
  Tensor of_input;
  Tensor of_weight;
  Tensor of_bias;
};

/// The loss is the sum of the outputs, each with a weight of its own.
template <typename Layer>
Passed pass(Layer& layer, const Tensor& input, const Tensor& weights) {
  const Tensor own = input.clone().requires_grad_();
  const Tensor output = layer->forward(own);
  (output.square() * weights).sum().backward();
  return {output.detach(), own.grad(), layer->weight.grad(), layer->bias.grad()};
}

template <typename Plain>
void expect_the_same_as_one(const Tensor& input) {
  const Tensor weights = torch::randn_like(input);
  Plain plain(input.size(1));
  plain->to(torch::kDouble);
  const Tensor scale = torch::rand(input.size(1), torch::kDouble) + 0.5;
  const auto start = [&](auto& layer) {
    layer->to(torch::kDouble);
    const torch::NoGradGuard no_gradient;
    layer->weight.copy_(scale);
    layer->bias.copy_(scale - 1);
  };
  start(plain);
  const Passed expected = pass(plain, input, weights);
  plain->eval();
  const Tensor later = plain->forward(input);
  const int64_t half = input.size(0) / 2;
  as_ranks(2, [&](const Group& group) {
    BatchNorm shared(input.size(1));
    start(shared);
    shared->share_with(group);
    const int64_t first = group->rank() * half;
    const Passed got = pass(shared, input.narrow(0, first, half), weights.narrow(0, first, half));
    EXPECT_LT(largest_difference(got.output, expected.output.narrow(0, first, half)), 1e-12);
    EXPECT_LT(largest_difference(got.of_input, expected.of_input.narrow(0, first, half)), 1e-12);
    Tensor of_weight = got.of_weight.clone(), of_bias = got.of_bias.clone();
    group->sum(of_weight);
    group->sum(of_bias);
    EXPECT_LT(largest_difference(of_weight, expected.of_weight), 1e-12);
    EXPECT_LT(largest_difference(of_bias, expected.of_bias), 1e-12);
    EXPECT_LT(largest_difference(shared->running_mean, plain->running_mean), 1e-14);
    EXPECT_LT(largest_difference(shared->running_var, plain->running_var), 1e-14);
    EXPECT_EQ(shared->num_batches_tracked.template item<int64_t>(), 1);
    shared->eval();
    EXPECT_LT(largest_difference(shared->forward(input), later), 1e-12);
  });
}

TEST(BatchNorm, OfTwoProcessesIsLibTorchsOfAllPictures) {
  torch::manual_seed(3);
  const auto options = torch::TensorOptions().dtype(torch::kDouble);
  expect_the_same_as_one<torch::nn::BatchNorm2d>(torch::randn({4, 3, 5, 2}, options) * 3 + 7);
  expect_the_same_as_one<torch::nn::BatchNorm1d>(torch::randn({6, 4}, options));
}

TEST(BatchNorm, OfAProcessAloneIsLibTorchsOwn) {
  torch::manual_seed(4);
  const Tensor input = torch::randn({4, 3, 5, 2});
  BatchNorm ours(3);
  torch::nn::BatchNorm2d theirs(3);
  EXPECT_TRUE(torch::equal(ours->forward(input), theirs->forward(input)));
  EXPECT_EQ(ours->named_buffers().keys(), theirs->named_buffers().keys());
}

}  // namespace
}  // namespace faceforge::train
