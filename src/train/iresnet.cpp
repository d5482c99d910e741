#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "train/batch_norm.h"
#include "train/convolution.h"
#include "train/networks.h"

namespace faceforge::train {
namespace {

namespace nn = torch::nn;

constexpr double kWeightDeviation = 0.1;

nn::PReLU prelu(int64_t channels) {
  return nn::PReLU(nn::PReLUOptions().num_parameters(channels));
}

class Block : public nn::Module {
 public:
  Block(int64_t in, int64_t out, int64_t stride)
      : bn1_(register_module("bn1", BatchNorm(in))),
        conv1_(register_module("conv1", convolution(in, out, 3, 1))),
        bn2_(register_module("bn2", BatchNorm(out))),
        prelu_(register_module("prelu", prelu(out))),
        conv2_(register_module("conv2", convolution(out, out, 3, stride))),
        bn3_(register_module("bn3", BatchNorm(out))) {
    if (stride == 1 && in == out) return;
    downsample_ = register_module("downsample",
                                  nn::Sequential(convolution(in, out, 1, stride), BatchNorm(out)));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto y = prelu_(bn2_(conv1_(bn1_(x))));
    y = bn3_(conv2_(y));
    return y.add_(downsample_.is_empty() ? x : downsample_->forward(x));
  }

 private:
  BatchNorm bn1_;
  nn::Conv2d conv1_;
  BatchNorm bn2_;
  nn::PReLU prelu_;
  nn::Conv2d conv2_;
  BatchNorm bn3_;
  nn::Sequential downsample_{nullptr};
};

class IResNet final : public Backbone {
 public:
  IResNet(const BlockCounts& block_counts, const NetworkSettings& settings)
      : conv1_(register_module("conv1", convolution(3, kIResNetWidths[0], 3, 1))),
        bn1_(register_module("bn1", BatchNorm(kIResNetWidths[0]))),
        prelu_(register_module("prelu", prelu(kIResNetWidths[0]))) {
    int64_t in = kIResNetWidths[0];
    int64_t side = settings.input_side_px;
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      nn::Sequential blocks;
      for (int64_t block = 0; block < block_counts[stage]; ++block) {
        blocks->push_back(std::make_shared<Block>(in, kIResNetWidths[stage], block == 0 ? 2 : 1));
        in = kIResNetWidths[stage];
      }
      stages_[stage] = register_module("layer" + std::to_string(stage + 1), blocks);
      side = (side + 1) / 2;
    }
    bn2_ = register_module("bn2", BatchNorm(in));
    fc_ = register_module("fc", nn::Linear(in * side * side, settings.embedding_length));
    features_ = register_module("features", BatchNorm(settings.embedding_length));
    features_->weight.requires_grad_(false);  // a scale that cosines do not see
    draw_weights();
  }

  torch::Tensor forward(torch::Tensor pictures) override {
    auto x = prelu_(bn1_(conv1_(pictures)));
    for (auto& stage : stages_) x = stage->forward(x);
    return features_(fc_(bn2_(x).contiguous().flatten(1)));
  }

 private:
  void draw_weights() {
    const torch::NoGradGuard no_gradient;
    for (const auto& module : modules(false)) {
      if (const auto* convolutions = module->as<nn::Conv2d>()) {
        nn::init::normal_(convolutions->weight, 0, kWeightDeviation);
      }
    }
  }

  nn::Conv2d conv1_;
  BatchNorm bn1_;
  nn::PReLU prelu_;
  std::array<nn::Sequential, 4> stages_;
  BatchNorm bn2_{nullptr};
  nn::Linear fc_{nullptr};
  BatchNorm features_{nullptr};
};

}  // namespace

std::shared_ptr<Backbone> make_iresnet(const BlockCounts& block_counts,
                                       const NetworkSettings& settings) {
  return std::make_shared<IResNet>(block_counts, settings);
}

}  // namespace faceforge::train
