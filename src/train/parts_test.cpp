#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "support/test_data.h"
#include "train/held_out.h"
#include "train/optimizer.h"
#include "train/pictures.h"
#include "train/synthetic_crops_test_support.h"

namespace faceforge::train {
namespace {

using torch::Tensor;

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// --- pictures ---

class Pictures : public testing::Test {
 protected:
  Pictures() {
    write_synthetic_crops(folder_.path() / "crops.ffd", {3, 3}, 32);
    crops_.emplace(*crops::CropFile::open(folder_.path() / "crops.ffd"));
  }

  Tensor read(std::vector<size_t> crops, int64_t side_px) {
    return read_pictures(*crops_, crops, side_px, torch::kCPU);
  }

  /// With one change that is made to every picture.
  Tensor changed(const AugmentationSettings& settings, uint64_t seed = 1) {
    Random random(seed);
    return augment(read({0, 3}, 32), settings, random);
  }

  static constexpr AugmentationSettings kNothing{0, 0, 0, 0, 0, 0};
  test::TemporaryFolder folder_;
  std::optional<crops::CropFile> crops_;
};

TEST_F(Pictures, AreTheBytesOfTheCropsFromMinusOneToOne) {
  const Tensor pictures = read({4, 1}, 32);
  ASSERT_EQ(pictures.sizes(), (torch::IntArrayRef{2, 3, 32, 32}));
  EXPECT_TRUE(pictures.is_contiguous(torch::MemoryFormat::ChannelsLast));
  for (const auto& [row, crop] :
       {std::pair<int64_t, size_t>(0, 4), std::pair<int64_t, size_t>(1, 1)}) {
    const auto pixels = crops_->pixels(crop);
    for (int64_t c = 0; c < 3; ++c) {
      const auto byte = std::to_integer<int>(pixels[(7 * 32 + 5) * 3 + static_cast<size_t>(c)]);
      EXPECT_FLOAT_EQ(pictures[row][c][7][5].item<float>(),
                      (static_cast<float>(byte) - 127.5F) / 127.5F);
    }
  }
}

TEST_F(Pictures, SmallerOnesAreMeansOfTheirPixels) {
  const Tensor large = read({0}, 32);
  const Tensor small = read({0}, 16);
  EXPECT_NEAR(small[0][1][3][4].item<double>(),
              large.slice(2, 6, 8).slice(3, 8, 10)[0][1].mean().item<double>(), 1e-6);
}

TEST_F(Pictures, WithoutAugmentationTheyStayAsTheyAre) {
  EXPECT_EQ(largest_difference(changed(kNothing), read({0, 3}, 32)), 0);
}

TEST_F(Pictures, AMirroredPictureIsItsMirrorImage) {
  AugmentationSettings settings = kNothing;
  settings.flip = 1;
  EXPECT_LT(largest_difference(changed(settings), read({0, 3}, 32).flip(3)), 1e-5);
}

TEST_F(Pictures, EveryChangeKeepsShapeRangeAndLayoutAndFollowsFromTheGenerator) {
  for (float AugmentationSettings::*change :
       {&AugmentationSettings::crop, &AugmentationSettings::colour, &AugmentationSettings::blur,
        &AugmentationSettings::low_resolution, &AugmentationSettings::occlusion}) {
    AugmentationSettings settings = kNothing;
    settings.*change = 1;
    const Tensor pictures = changed(settings);
    EXPECT_EQ(pictures.sizes(), (torch::IntArrayRef{2, 3, 32, 32}));
    EXPECT_TRUE(pictures.is_contiguous(torch::MemoryFormat::ChannelsLast));
    EXPECT_LE(pictures.abs().max().item<float>(), 1.0F + 1e-5F);
    EXPECT_GT(largest_difference(pictures, read({0, 3}, 32)), 0.01);
    EXPECT_EQ(largest_difference(pictures, changed(settings)), 0);
    EXPECT_GT(largest_difference(pictures, changed(settings, 2)), 0);
  }
}

/// The mean difference of neighbours: how much detail there is.
double roughness(const Tensor& pictures) {
  return (pictures.slice(3, 1) - pictures.slice(3, 0, -1)).abs().mean().item<double>();
}

TEST_F(Pictures, BlurAndLowResolutionTakeDetailAwayAndLeaveTheLight) {
  const Tensor before = read({0, 3}, 32);
  for (float AugmentationSettings::*change :
       {&AugmentationSettings::blur, &AugmentationSettings::low_resolution}) {
    AugmentationSettings settings = kNothing;
    settings.*change = 1;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const Tensor after = changed(settings, seed);
      EXPECT_LT(roughness(after), 0.95 * roughness(before));
      EXPECT_LT(largest_difference(after.mean({1, 2, 3}), before.mean({1, 2, 3})), 0.03);
    }
  }
}

TEST_F(Pictures, ColourLeavesAGreyPictureGreyAndItsBrighterPartsBrighter) {
  AugmentationSettings settings = kNothing;
  settings.colour = 1;
  const Tensor grey = torch::linspace(-0.4, 0.4, 32).view({1, 1, 1, 32}).expand({8, 3, 32, 32});
  Random random(1);
  const Tensor after = augment(grey.contiguous(), settings, random);
  EXPECT_LT(largest_difference(after.select(1, 0), after.select(1, 2)), 1e-6);
  EXPECT_TRUE((after.slice(3, 1) > after.slice(3, 0, -1)).all().item<bool>());
  const Tensor light = after.mean({1, 2, 3});
  EXPECT_GT((light.max() - light.min()).item<double>(), 0.1) << "each picture has its own";
}

TEST_F(Pictures, CropMovesScalesAndTurnsALittle) {
  // Two spots on a line through the middle; where they come to lie tells all three.
  AugmentationSettings settings = kNothing;
  settings.crop = 1;
  const Tensor places = torch::arange(32) - 15.5;
  const auto spot_at = [&](double x, double y) {
    return (-((places.view({1, 32}) - x).square() + (places.view({32, 1}) - y).square()) / 4).exp();
  };
  Tensor pictures = torch::zeros({40, 3, 32, 32});
  pictures.select(1, 0).copy_(spot_at(-7, 0).expand({40, 32, 32}));
  pictures.select(1, 1).copy_(spot_at(7, 0).expand({40, 32, 32}));
  Random random(3);
  const Tensor after = augment(pictures, settings, random);
  const auto centre = [&](int64_t channel, const Tensor& along) {
    const Tensor spots = after.select(1, channel);
    return (spots * along).sum({1, 2}) / spots.sum({1, 2});
  };
  const Tensor x = places.view({1, 1, 32}), y = places.view({1, 32, 1});
  const Tensor across = centre(1, x) - centre(0, x), down = centre(1, y) - centre(0, y);
  const Tensor scale = (across.square() + down.square()).sqrt() / 14;
  const Tensor turn = torch::atan2(down, across).abs();
  const Tensor shift = ((centre(1, x) + centre(0, x)) / 2).abs();
  const auto expect_within = [](const Tensor& numbers, double least, double most) {
    EXPECT_GT(numbers.min().item<double>(), least);
    EXPECT_LT(numbers.max().item<double>(), most);
  };
  expect_within(scale, 1 / 1.1 - 0.01, 1 / 0.85 + 0.01);  // what is seen is 0.85 to 1.1 of the side
  expect_within(turn, -1, 0.14 + 0.01);
  expect_within(shift, -1, 0.06 * 32 * std::sqrt(2.0) / 0.85 + 0.1);
  for (const Tensor& numbers : {scale, turn, shift}) {
    EXPECT_GT((numbers.max() - numbers.min()).item<double>(), 0.05) << "each picture has its own";
  }
}

TEST_F(Pictures, OcclusionHidesAPartAndLeavesTheRest) {
  AugmentationSettings settings = kNothing;
  settings.occlusion = 1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Tensor touched = (changed(settings, seed) != read({0, 3}, 32)).any(1);
    const double share = touched.to(torch::kFloat).mean().item<double>();
    EXPECT_GT(share, 0.0);
    EXPECT_LT(share, 0.25);  // at most 0.45 of either side
  }
}

// --- the optimizer ---

/// Learns the same as one of LibTorch's own optimizers, step by step.
template <typename Theirs, typename Options>
void expect_same_steps(const OptimizerSettings& settings, const Options& options) {
  torch::manual_seed(3);
  torch::nn::Linear ours(4, 3);
  torch::nn::Linear theirs(4, 3);
  {
    const torch::NoGradGuard no_gradient;
    theirs->weight.copy_(ours->weight);
    theirs->bias.copy_(ours->bias);
  }
  Optimizer optimizer(settings, {{"w", ours->weight}, {"b", ours->bias}});
  Options undecayed = options;
  undecayed.weight_decay(0);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{theirs->weight}, std::make_unique<Options>(options));
  groups.emplace_back(std::vector<Tensor>{theirs->bias}, std::make_unique<Options>(undecayed));
  Theirs reference(groups, options);
  for (int step = 0; step < 20; ++step) {
    const Tensor x = torch::randn({5, 4});
    optimizer.clear_gradients();
    reference.zero_grad();
    ours(x).square().mean().backward();
    theirs(x).square().mean().backward();
    optimizer.step(settings.learning_rate);
    reference.step();
    ASSERT_LT(largest_difference(ours->weight, theirs->weight), 1e-6) << step;
    ASSERT_LT(largest_difference(ours->bias, theirs->bias), 1e-6) << step;
  }
}

TEST(Optimizer, AdamWStepsAsLibTorchsDoes) {
  expect_same_steps<torch::optim::AdamW>(
      {.kind = OptimizerKind::AdamW, .learning_rate = 0.05, .weight_decay = 0.3},
      torch::optim::AdamWOptions(0.05).weight_decay(0.3));
}

TEST(Optimizer, SgdStepsAsLibTorchsDoes) {
  expect_same_steps<torch::optim::SGD>(
      {.kind = OptimizerKind::Sgd, .learning_rate = 0.1, .weight_decay = 0.2, .momentum = 0.9},
      torch::optim::SGDOptions(0.1).weight_decay(0.2).momentum(0.9));
}

TEST(Optimizer, GradientsAreShortenedTogetherToTheLongestAllowed) {
  Tensor first = torch::zeros({2}).set_requires_grad(true);
  Tensor second = torch::zeros({1, 1}).set_requires_grad(true);
  first.mutable_grad() = torch::tensor({2.0F, 3.0F});
  second.mutable_grad() = torch::full({1, 1}, 6.0F);
  Optimizer optimizer({.max_gradient_norm = 3.5}, {{"first", first}, {"second", second}});
  EXPECT_NEAR(optimizer.clip_gradients().item<double>(), 7, 1e-5);  // 4 + 9 + 36 = 49
  EXPECT_NEAR(first.grad()[1].item<double>(), 1.5, 1e-5);
  EXPECT_NEAR(second.grad().item<double>(), 3, 1e-5);
  EXPECT_NEAR(optimizer.clip_gradients().item<double>(), 3.5, 1e-5);
  EXPECT_NEAR(second.grad().item<double>(), 3, 1e-5) << "short ones stay as they are";
}

TEST(Optimizer, ItsStateIsNamedAfterTheParameters) {
  Tensor learnt = torch::zeros({2, 2}).set_requires_grad(true);
  const Tensor fixed = torch::zeros({2, 2});
  const NamedTensors state =
      Optimizer({.kind = OptimizerKind::AdamW}, {{"learnt", learnt}, {"fixed", fixed}}).state();
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[0].first, "learnt.first_moment");
  EXPECT_EQ(state[1].first, "learnt.second_moment");
}

// --- held-out pairs ---

TEST(HeldOut, EveryTwoCropsAreComparedOnce) {
  const double root = std::sqrt(0.5);
  const Tensor rows = torch::tensor({1.0, 0.0, 0.0, 1.0, root, root}, torch::kDouble)
                          .view({3, 2})
                          .to(torch::kFloat);
  const std::vector<uint32_t> people{7, 7, 9};
  const PairSimilarities pairs = compare_all_pairs(rows, people);
  EXPECT_EQ(pairs.genuine, std::vector<float>{0});
  ASSERT_EQ(pairs.impostor.size(), 2u);
  EXPECT_NEAR(pairs.impostor[0], root, 1e-6);
  const Separation separation = separation_of(rows, people);
  EXPECT_EQ(separation.person_count, 2u);
  EXPECT_EQ(separation.auc, 0);
}

TEST(HeldOut, MoreRowsThanAreMultipliedAtOnceChangeNothing) {
  torch::manual_seed(1);
  const Tensor rows = torch::randn({600, 3});
  std::vector<uint32_t> people;
  for (uint32_t i = 0; i < 600; ++i) people.push_back(i % 50);
  const PairSimilarities pairs = compare_all_pairs(rows, people);
  EXPECT_EQ(pairs.genuine.size(), 50u * 12 * 11 / 2);
  EXPECT_EQ(pairs.impostor.size(), 600u * 599 / 2 - pairs.genuine.size());
  EXPECT_NEAR(pairs.genuine.back(), rows[549].dot(rows[599]).item<float>(), 1e-4);
}

}  // namespace
}  // namespace faceforge::train
