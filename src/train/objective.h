#pragma once

#include <cstdint>
#include <memory>

#include <torch/nn/module.h>

#include "train/losses.h"
#include "train/networks.h"

namespace faceforge::train {

/// A loss together with what it learns itself: the centres of the classes of ArcFace and CosFace.
/// Features and embeddings are brought to length 1, as they are compared by cosine.
class Objective : public torch::nn::Module {
 public:
  /// in:     `class_count`: labels are below it
  /// source: centres drawn from a normal distribution of 0.01, as InsightFace's code does
  Objective(const LossSettings& settings, int64_t embedding_length, int64_t class_count);

  [[nodiscard]] LossValue forward(const NetworkOutput& output, const torch::Tensor& labels);

 private:
  LossSettings settings_;
  torch::Tensor centres_;  ///< [classes, D]; undefined where the loss has no classes
};

}  // namespace faceforge::train
