#include "train/networks.h"

#include <cmath>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "support/test_data.h"
#include "train/network_goldens_test_support.h"
#include "train/weights.h"

namespace faceforge::train {
namespace {

using torch::Tensor;

Tensor wave(int64_t count, double rate, double shift) {
  return (torch::arange(count, torch::kDouble) * rate + shift).sin();
}

/// The weights that network_golden.py fills in: functions of their names and places.
void fill(torch::nn::Module& module) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : state_of(module)) {
    if (name.ends_with("num_batches_tracked")) continue;
    Tensor values = wave(tensor.numel(), 0.7, static_cast<double>(name.size()));
    if (name.ends_with("running_var")) {
      values = 1 + 0.5 * values;
    } else if (tensor.dim() > 1) {
      values = values * std::sqrt(4.0 / static_cast<double>(tensor.numel() / tensor.size(0)));
    } else if (name.ends_with("weight")) {
      values = 0.6 + 0.2 * values;
    } else {
      values = 0.1 * values;
    }
    Tensor(tensor).copy_(values.view(tensor.sizes()));
  }
  module.eval();
}

std::shared_ptr<Backbone> backbone_of(const NetworkSettings& settings) {
  if (settings.kind == NetworkKind::ResNet50) return make_resnet({}, settings.embedding_length);
  if (settings.kind == NetworkKind::MobileFaceNet) return make_mobilefacenet(settings);
  return make_iresnet(block_counts_of(settings.kind), settings);
}

TEST(Networks, HaveAsManyParametersAsThePublishedOnes) {
  for (const NetworkGolden& golden : network_goldens()) {
    EXPECT_EQ(parameter_count(*backbone_of(golden.settings)), golden.parameter_count)
        << golden.name;
  }
}

TEST(Networks, AnswerWhatPythonsAnswer) {
  for (const NetworkGolden& golden : network_goldens()) {
    const auto network = backbone_of(golden.settings);
    network->to(torch::kDouble);
    fill(*network);
    const auto side = golden.settings.input_side_px;
    const torch::NoGradGuard no_gradient;
    const Tensor output = network->forward(wave(3 * side * side, 0.3, 0).view({1, 3, side, side}));
    // Doubles on both sides: what differs is the order of sums.
    for (size_t i = 0; i < golden.first.size(); ++i) {
      EXPECT_NEAR(output[0][static_cast<int64_t>(i)].item<double>(), golden.first[i],
                  1e-5 * golden.length)
          << golden.name;
    }
    EXPECT_NEAR(output.norm().item<double>(), golden.length, 1e-5 * golden.length) << golden.name;
  }
}

TEST(Networks, TakeEveryInputSizeThatSettingsAllow) {
  for (const NetworkKind kind :
       {NetworkKind::ResNet50, NetworkKind::IResNet18, NetworkKind::MobileFaceNet}) {
    for (const int64_t side : {16, 50, 64}) {
      const auto network =
          make_network({.kind = kind, .embedding_length = 8, .input_side_px = side}, 1);
      network->eval();
      const torch::NoGradGuard no_gradient;
      const Tensor embedding = network->forward(torch::zeros({2, 3, side, side})).embedding;
      EXPECT_EQ(embedding.sizes(), (torch::IntArrayRef{2, 8})) << to_string(kind) << " " << side;
    }
  }
}

TEST(Networks, TheSeedDecidesTheWeights) {
  const NetworkSettings settings{.kind = NetworkKind::MobileFaceNet, .embedding_length = 8};
  const auto weights = [&](uint64_t seed) { return make_network(settings, seed)->parameters()[0]; };
  EXPECT_TRUE(weights(1).equal(weights(1)));
  EXPECT_FALSE(weights(1).equal(weights(2)));
}

TEST(Networks, ConvolutionsAreDrawnAsThePapersSay) {
  const auto network = make_resnet({}, 8);
  for (const auto& item : network->named_parameters()) {
    if (item.value().dim() != 4) continue;
    const auto& shape = item.value().sizes();
    const double fan_out = static_cast<double>(shape[0] * shape[2] * shape[3]);
    // Of n draws the deviation is known to 1 / sqrt(2 n): 5 of these.
    const double tolerance = 5 / std::sqrt(2.0 * static_cast<double>(item.value().numel()));
    EXPECT_NEAR(item.value().std().item<double>() / std::sqrt(2 / fan_out), 1, tolerance)
        << item.key();
  }
}

TEST(Networks, TheNeckIsABatchNormWhoseShiftStaysZero) {
  NetworkSettings settings{.kind = NetworkKind::MobileFaceNet,
                           .embedding_length = 8,
                           .input_side_px = 16,
                           .neck = Neck::BatchNorm};
  const auto network = make_network(settings, 1);
  const NetworkOutput output = network->forward(torch::randn({6, 3, 16, 16}));
  const Tensor expected = (output.features - output.features.mean(0)) /
                          (output.features.var(0, /*unbiased=*/false) + 1e-5).sqrt();
  EXPECT_LT((output.embedding - expected).abs().max().item<double>(), 1e-4);
  for (const auto& item : network->named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), item.key() != "neck.bias") << item.key();
  }
}

class Weights : public testing::Test {
 protected:
  /// Writes a state as torchvision's own would be: without our prefix, with 1000 classes.
  void write_torchvision_state(const std::function<void(NamedTensors&)>& change) {
    const auto theirs = make_resnet({}, 1000);
    fill(*theirs);
    NamedTensors state = state_of(*theirs);
    change(state);
    TensorCollection tensors;
    tensors.add("", state);
    ASSERT_TRUE(write_tensor_file(path_, tensors.tensors(), {{"format", "pt"}}));
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "resnet50.safetensors";
  std::shared_ptr<EmbeddingNetwork> network_ =
      make_network({.kind = NetworkKind::ResNet50, .embedding_length = 16}, 1);
};

TEST_F(Weights, OfTorchvisionsResNetGoIntoAllButTheHead) {
  write_torchvision_state([](NamedTensors& state) {
    std::erase_if(state, [](const auto& item) {
      return item.first.ends_with("num_batches_tracked");  // as older states
    });
  });
  const auto before = state_of(*network_);
  std::map<std::string, Tensor> old;
  for (const auto& [name, tensor] : before) old[name] = tensor.clone();
  const auto loaded = load_initial_weights(*network_, path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto expected = make_resnet({}, 1000);
  fill(*expected);
  std::map<std::string, Tensor> theirs;
  for (const auto& [name, tensor] : state_of(*expected)) theirs["backbone." + name] = tensor;
  for (const auto& [name, tensor] : state_of(*network_)) {
    const bool is_kept = name.starts_with("backbone.fc.") || name.ends_with("num_batches_tracked");
    if (name == "backbone.conv1.weight" || name == "backbone.bn1.running_mean") continue;  // below
    EXPECT_TRUE(tensor.equal(is_kept ? old.at(name) : theirs.at(name))) << name;
  }
}

TEST_F(Weights, OfTorchvisionTakeOurPicturesAsTheyTookTheirs) {
  write_torchvision_state([](NamedTensors&) {});
  const auto loaded = load_initial_weights(*network_, path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto theirs = make_resnet({}, 1000);
  fill(*theirs);
  const auto first_layers = [](const NamedTensors& state, const std::string& prefix,
                               const Tensor& pictures) {
    std::map<std::string, Tensor> of;
    for (const auto& [name, tensor] : state) of[name] = tensor;
    const auto y = torch::conv2d(pictures, of.at(prefix + "conv1.weight"), {}, 2);  // not padded
    return torch::batch_norm(y, of.at(prefix + "bn1.weight"), of.at(prefix + "bn1.bias"),
                             of.at(prefix + "bn1.running_mean"), of.at(prefix + "bn1.running_var"),
                             false, 0, 1e-5, false);
  };
  const torch::NoGradGuard no_gradient;
  const Tensor pixels = torch::randint(0, 256, {2, 3, 32, 32}, torch::kFloat);
  // As torchvision's documentation has it: to [0, 1], less the mean, over the deviation.
  const Tensor mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  const Tensor deviation = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
  const Tensor expected = first_layers(state_of(*theirs), "", (pixels / 255 - mean) / deviation);
  const Tensor got = first_layers(state_of(*network_), "backbone.", (pixels - 127.5) / 127.5);
  EXPECT_LT((got - expected).abs().max().item<float>(), 1e-4 * expected.abs().max().item<float>());
}

TEST_F(Weights, ThatAreMissingOrOfAnotherShapeOrKindAreNamed) {
  const auto refusal = [&](const std::function<void(Tensor&)>& change) {
    write_torchvision_state([&](NamedTensors& state) {
      for (auto& [name, tensor] : state) {
        if (name == "layer1.0.conv2.weight") change(tensor);
      }
      std::erase_if(state, [](const auto& item) { return !item.second.defined(); });
    });
    const auto loaded = load_initial_weights(*network_, path_);
    return loaded ? "" : loaded.error().message;
  };
  using testing::HasSubstr;
  EXPECT_EQ(refusal([](Tensor&) {}), "");
  EXPECT_THAT(refusal([](Tensor& tensor) { tensor = Tensor(); }),
              HasSubstr("layer1.0.conv2.weight is missing"));
  EXPECT_THAT(refusal([](Tensor& tensor) {
                tensor = torch::zeros({64, 64, 1, 1});
              }),
              HasSubstr("[64, 64, 1, 1]; the network has [64, 64, 3, 3]"));
  EXPECT_THAT(refusal([](Tensor& tensor) { tensor = tensor.to(torch::kLong); }),
              HasSubstr("whole numbers in place of floats"));
}

}  // namespace
}  // namespace faceforge::train
