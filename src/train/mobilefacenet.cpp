#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/utils.h>

#include "train/batch_norm.h"
#include "train/networks.h"

namespace faceforge::train {
namespace {

namespace nn = torch::nn;

enum class Ending { Linear, PReLU };

struct ConvolutionShape {
  int64_t in;
  int64_t out;
  int64_t side = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool padded = true;
};

/// A convolution, its batch norm and, unless it is to stay linear, a PReLU.
class Unit : public nn::Module {
 public:
  Unit(const ConvolutionShape& shape, Ending ending)
      : convolution_(
            register_module("0", nn::Conv2d(nn::Conv2dOptions(shape.in, shape.out, shape.side)
                                                .stride(shape.stride)
                                                .padding(shape.padded ? shape.side / 2 : 0)
                                                .groups(shape.groups)
                                                .bias(false)))),
        norm_(register_module("1", BatchNorm(shape.out))) {
    if (ending == Ending::Linear) return;
    prelu_ = register_module("2", nn::PReLU(nn::PReLUOptions().num_parameters(shape.out)));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto y = norm_(convolution_(x));
    return prelu_.is_empty() ? y : prelu_(y);
  }

 private:
  nn::Conv2d convolution_;
  BatchNorm norm_;
  nn::PReLU prelu_{nullptr};
};

std::shared_ptr<Unit> unit(const ConvolutionShape& shape, Ending ending) {
  return std::make_shared<Unit>(shape, ending);
}

struct BottleneckShape {
  int64_t in;
  int64_t out;
  int64_t expansion;
  int64_t stride;
};

/// Widened, convolved channel by channel, narrowed without a PReLU. source: MobileNetV2, figure 4
class InvertedBottleneck : public nn::Module {
 public:
  explicit InvertedBottleneck(const BottleneckShape& shape)
      : has_way_around_(shape.stride == 1 && shape.in == shape.out) {
    const int64_t wide = shape.in * shape.expansion;
    widen_ = register_module("widen", unit({.in = shape.in, .out = wide}, Ending::PReLU));
    depthwise_ = register_module(
        "depthwise",
        unit({.in = wide, .out = wide, .side = 3, .stride = shape.stride, .groups = wide},
             Ending::PReLU));
    narrow_ = register_module("narrow", unit({.in = wide, .out = shape.out}, Ending::Linear));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto y = narrow_->forward(depthwise_->forward(widen_->forward(x)));
    return has_way_around_ ? y.add_(x) : y;
  }

 private:
  bool has_way_around_;
  std::shared_ptr<Unit> widen_;
  std::shared_ptr<Unit> depthwise_;
  std::shared_ptr<Unit> narrow_;
};

class MobileFaceNet final : public Backbone {
 public:
  explicit MobileFaceNet(const NetworkSettings& settings) {
    layers_->push_back(unit({.in = 3, .out = kMobileWidth, .side = 3, .stride = 2}, Ending::PReLU));
    layers_->push_back(
        unit({.in = kMobileWidth, .out = kMobileWidth, .side = 3, .groups = kMobileWidth},
             Ending::PReLU));
    int64_t in = kMobileWidth;
    for (const MobileStage& stage : kMobileStages) {
      for (int64_t block = 0; block < stage.count; ++block) {
        layers_->push_back(std::make_shared<InvertedBottleneck>(
            BottleneckShape{.in = in,
                            .out = stage.out,
                            .expansion = stage.expansion,
                            .stride = block == 0 ? stage.stride : 1}));
        in = stage.out;
      }
    }
    layers_->push_back(unit({.in = in, .out = kMobileLastWidth}, Ending::PReLU));
    int64_t side = settings.input_side_px;
    for (int64_t halving = 0; halving < kMobileHalvings; ++halving) side = (side + 1) / 2;
    layers_->push_back(unit({.in = kMobileLastWidth,
                             .out = kMobileLastWidth,
                             .side = side,
                             .groups = kMobileLastWidth,
                             .padded = false},
                            Ending::Linear));
    layers_->push_back(
        unit({.in = kMobileLastWidth, .out = settings.embedding_length}, Ending::Linear));
    register_module("layers", layers_);
    draw_weights();
  }

  torch::Tensor forward(torch::Tensor pictures) override {
    return layers_->forward(pictures).flatten(1);
  }

 private:
  void draw_weights() {
    const torch::NoGradGuard no_gradient;
    for (const auto& module : modules(false)) {
      if (const auto* convolutions = module->as<nn::Conv2d>()) {
        nn::init::kaiming_normal_(convolutions->weight, 0.25, torch::kFanOut, torch::kLeakyReLU);
      }
    }
  }

  nn::Sequential layers_;
};

}  // namespace

std::shared_ptr<Backbone> make_mobilefacenet(const NetworkSettings& settings) {
  return std::make_shared<MobileFaceNet>(settings);
}

}  // namespace faceforge::train
