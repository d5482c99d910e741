#include <torch/nn/init.h>
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

/// 1x1, 3x3, 1x1, each with a batch norm, beside the way around them.
class Bottleneck : public nn::Module {
 public:
  Bottleneck(int64_t in, int64_t width, int64_t stride)
      : conv1_(register_module("conv1", convolution(in, width, 1, 1))),
        bn1_(register_module("bn1", BatchNorm(width))),
        conv2_(register_module("conv2", convolution(width, width, 3, stride))),
        bn2_(register_module("bn2", BatchNorm(width))),
        conv3_(register_module("conv3", convolution(width, width * kResNetExpansion, 1, 1))),
        bn3_(register_module("bn3", BatchNorm(width * kResNetExpansion))) {
    if (stride == 1 && in == width * kResNetExpansion) return;
    downsample_ = register_module(
        "downsample", nn::Sequential(convolution(in, width * kResNetExpansion, 1, stride),
                                     BatchNorm(width * kResNetExpansion)));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto y = bn1_(conv1_(x)).relu_();
    y = bn2_(conv2_(y)).relu_();
    y = bn3_(conv3_(y));
    return y.add_(downsample_.is_empty() ? x : downsample_->forward(x)).relu_();
  }

 private:
  nn::Conv2d conv1_;
  BatchNorm bn1_;
  nn::Conv2d conv2_;
  BatchNorm bn2_;
  nn::Conv2d conv3_;
  BatchNorm bn3_;
  nn::Sequential downsample_{nullptr};
};

class ResNet final : public Backbone {
 public:
  ResNet(const ResNetShape& shape, int64_t output_length)
      : conv1_(register_module("conv1", convolution(3, shape.width, 7, 2))),
        bn1_(register_module("bn1", BatchNorm(shape.width))) {
    int64_t in = shape.width;
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      const int64_t width = shape.width << stage;
      nn::Sequential blocks;
      for (int64_t block = 0; block < shape.block_counts[stage]; ++block) {
        blocks->push_back(std::make_shared<Bottleneck>(in, width, stage > 0 && block == 0 ? 2 : 1));
        in = width * kResNetExpansion;
      }
      stages_[stage] = register_module("layer" + std::to_string(stage + 1), blocks);
    }
    fc_ = register_module("fc", nn::Linear(in, output_length));
    draw_weights();
  }

  torch::Tensor forward(torch::Tensor pictures) override {
    auto x = bn1_(conv1_(pictures)).relu_();
    x = torch::max_pool2d(x, 3, 2, 1);
    for (auto& stage : stages_) x = stage->forward(x);
    return fc_(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }

 private:
  void draw_weights() {
    const torch::NoGradGuard no_gradient;
    for (const auto& module : modules(false)) {
      if (const auto* convolutions = module->as<nn::Conv2d>()) {
        nn::init::kaiming_normal_(convolutions->weight, 0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  nn::Conv2d conv1_;
  BatchNorm bn1_;
  std::array<nn::Sequential, 4> stages_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Backbone> make_resnet(const ResNetShape& shape, int64_t output_length) {
  return std::make_shared<ResNet>(shape, output_length);
}

}  // namespace faceforge::train
