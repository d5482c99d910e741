#pragma once

#include <cstdint>
#include <utility>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "train/process_group.h"

namespace faceforge::train {

/// LibTorch's batch norm of pictures [N, C, H, W] or rows [N, C], by all its names and numbers (its
/// own classes cannot be derived from outside of LibTorch), whose batch may be spread over several
/// processes.
///
/// source: Ioffe & Szegedy 2015, "Batch Normalization", algorithm 1 and the gradients of section 3;
///         running statistics with LibTorch's momentum of 0.1
class BatchNormImpl : public torch::nn::Module {
 public:
  explicit BatchNormImpl(int64_t channel_count);

  [[nodiscard]] torch::Tensor forward(const torch::Tensor& pictures);

  /// From now on mean and variance in training are those of all processes' pictures, of which each
  /// has as many; null: of one's own.
  void share_with(c10::intrusive_ptr<ProcessGroup> group) { group_ = std::move(group); }

  torch::Tensor weight;               ///< [C]
  torch::Tensor bias;                 ///< [C]
  torch::Tensor running_mean;         ///< [C]
  torch::Tensor running_var;          ///< [C]
  torch::Tensor num_batches_tracked;  ///< a scalar, int64

 private:
  [[nodiscard]] torch::Tensor forward_shared(const torch::Tensor& pictures);

  c10::intrusive_ptr<ProcessGroup> group_;
};
TORCH_MODULE(BatchNorm);

/// Lets all batch norms of a network share their statistics, or none.
void share_statistics(torch::nn::Module& network, const c10::intrusive_ptr<ProcessGroup>& group);

}  // namespace faceforge::train
