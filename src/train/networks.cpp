#include "train/networks.h"

#include <torch/utils.h>

#include "train/batch_norm.h"

namespace faceforge::train {
namespace {

std::shared_ptr<Backbone> make_backbone(const NetworkSettings& settings) {
  switch (settings.kind) {
    case NetworkKind::ResNet50:
      return make_resnet({}, settings.embedding_length);
    case NetworkKind::IResNet18:
    case NetworkKind::IResNet34:
    case NetworkKind::IResNet50:
    case NetworkKind::IResNet100:
      return make_iresnet(block_counts_of(settings.kind), settings);
    case NetworkKind::MobileFaceNet:
      return make_mobilefacenet(settings);
  }
  return nullptr;
}

/// Convolutions run fastest when their weights lie as their pictures do.
void lay_channels_last(torch::nn::Module& module) {
  const torch::NoGradGuard no_gradient;
  for (auto& parameter : module.parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
}

}  // namespace

EmbeddingNetwork::EmbeddingNetwork(std::shared_ptr<Backbone> backbone,
                                   const NetworkSettings& settings)
    : backbone_(register_module("backbone", std::move(backbone))) {
  if (settings.neck == Neck::None) return;
  auto neck = std::make_shared<BatchNormImpl>(settings.embedding_length);
  neck->bias.requires_grad_(false);  // a shift would move the hyperspheres' common centre
  neck_ = register_module("neck", neck);
}

NetworkOutput EmbeddingNetwork::forward(const torch::Tensor& pictures) {
  auto features = backbone_->forward(pictures);
  if (neck_ == nullptr) return {.features = features, .embedding = features};
  return {.features = features, .embedding = neck_->as<BatchNormImpl>()->forward(features)};
}

std::shared_ptr<EmbeddingNetwork> make_network(const NetworkSettings& settings, uint64_t seed) {
  torch::manual_seed(seed);
  auto network = std::make_shared<EmbeddingNetwork>(make_backbone(settings), settings);
  lay_channels_last(*network);
  return network;
}

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) {
    if (parameter.requires_grad()) count += parameter.numel();
  }
  return count;
}

}  // namespace faceforge::train
