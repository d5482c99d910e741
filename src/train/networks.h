#pragma once

#include <cstdint>
#include <memory>

#include <torch/nn/module.h>

#include "train/architecture.h"
#include "train/settings.h"

// Networks from a picture to a vector. A picture is a float tensor [N, 3, side, side], RGB, in
// [-1, 1]: (byte - 127.5) / 127.5, as the packs of the field take it. Parameters and buffers have
// the names that the networks' own Python code gives them, so that states travel either way.
namespace faceforge::train {

class Backbone : public torch::nn::Module {
 public:
  [[nodiscard]] virtual torch::Tensor forward(torch::Tensor pictures) = 0;
};

/// The widths and depths of a ResNet; a small one is for tests.
struct ResNetShape {
  BlockCounts block_counts = block_counts_of(NetworkKind::ResNet50);
  int64_t width = kResNetWidth;  ///< channels behind the first convolution
};

/// ResNet with bottleneck blocks, as torchvision has it: the stride is in the block's 3x3
/// convolution. Takes pictures of any size; a fully connected layer of `output_length` ends it.
///
/// source: He et al. 2016, "Deep Residual Learning for Image Recognition", table 1; torchvision's
///         resnet50 (its "V1.5"); weights drawn as He et al. 2015, eq. 10 (normal, by fan-out)
[[nodiscard]] std::shared_ptr<Backbone> make_resnet(const ResNetShape& shape,
                                                    int64_t output_length);

/// The improved ResNet of face recognition: no pooling at its beginning, batch norm before each
/// block's first convolution, PReLU, and a fully connected layer over the last 7 x 7 positions.
///
/// in:     `block_counts` as block_counts_of has them
/// source: Deng et al. 2019, "ArcFace", section 3.1; InsightFace's iresnet.py (names, weights drawn
///         from a normal distribution of 0.1)
[[nodiscard]] std::shared_ptr<Backbone> make_iresnet(const BlockCounts& block_counts,
                                                     const NetworkSettings& settings);

/// source: Chen et al. 2018, "MobileFaceNets", table 1
[[nodiscard]] std::shared_ptr<Backbone> make_mobilefacenet(const NetworkSettings& settings);

/// What a network says of a batch of pictures.
struct NetworkOutput {
  torch::Tensor features;   ///< what losses over distances take
  torch::Tensor embedding;  ///< what is compared by cosine, and what losses over classes take
};

/// A backbone and, where it is asked for, a batch norm without shift between features and
/// embedding.
///
/// source: Luo et al. 2019, "Bag of Tricks and A Strong Baseline for Deep Person
///         Re-identification", section 3.6 (BNNeck)
class EmbeddingNetwork : public torch::nn::Module {
 public:
  EmbeddingNetwork(std::shared_ptr<Backbone> backbone, const NetworkSettings& settings);

  [[nodiscard]] NetworkOutput forward(const torch::Tensor& pictures);

 private:
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<torch::nn::Module> neck_;  ///< a BatchNorm1d; nullptr when there is none
};

/// A network with freshly drawn weights, laid out for convolutions (channels last).
///
/// in: `seed` decides the weights
[[nodiscard]] std::shared_ptr<EmbeddingNetwork> make_network(const NetworkSettings& settings,
                                                             uint64_t seed);

/// How many numbers of a module are learnt.
[[nodiscard]] int64_t parameter_count(const torch::nn::Module& module);

}  // namespace faceforge::train
