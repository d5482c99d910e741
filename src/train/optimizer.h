#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "train/settings.h"

namespace faceforge::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// Changes parameters by their gradients. With learning rate r, gradient g and decay w:
///
///     AdamW  p -= r w p;  m = 0.9 m + 0.1 g;  v = 0.999 v + 0.001 g^2
///            p -= r (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)
///     SGD    g += w p;  m = momentum m + g;  p -= r m
///
/// Biases, norms and slopes (all of one dimension) are not decayed. Its state is plain tensors with
/// names, of any version of LibTorch.
///
/// source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2;
/// Sutskever
///         et al. 2013 as PyTorch has it (SGD); the exemption: He et al. 2019, "Bag of Tricks", 3.1
class Optimizer {
 public:
  /// in: parameters with names; those that need no gradient are left alone
  Optimizer(const OptimizerSettings& settings, const NamedTensors& parameters);

  void clear_gradients();

  /// Shortens all gradients together where they are longer than the setting allows.
  ///
  /// out: their length before, as a scalar tensor
  /// source: Pascanu et al. 2013, algorithm 1
  torch::Tensor clip_gradients();

  void step(double learning_rate);

  /// What it remembers of each parameter, to be saved or to be written into.
  [[nodiscard]] NamedTensors state() const;

  [[nodiscard]] uint64_t step_count() const { return step_count_; }
  void set_step_count(uint64_t count) { step_count_ = count; }

 private:
  /// Parameters that are decayed alike.
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<torch::Tensor> parameters;
    std::vector<torch::Tensor> first_moments;   ///< m
    std::vector<torch::Tensor> second_moments;  ///< v; none of SGD
  };
  void step_adamw(Group& group, const std::vector<torch::Tensor>& gradients, double learning_rate);
  void step_sgd(Group& group, std::vector<torch::Tensor> gradients, double learning_rate) const;

  OptimizerSettings settings_;
  Group decayed_;
  Group undecayed_;
  uint64_t step_count_ = 0;
};

}  // namespace faceforge::train
