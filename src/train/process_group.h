#pragma once

#include <vector>

#include <ATen/core/ivalue.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/types.h>

#include "base/result.h"
#include "train/trainer.h"

namespace faceforge::train {

/// The processes that train one network together. Every call is made by all of them, in the same
/// order, and waits for all. When one of them has gone, Gloo throws at once what
/// without_torch_throwing makes an error of; NCCL, and whoever waits in `join`, waits on, so that
/// who started the processes must watch them. (It is a CustomClassHolder for an autograd function
/// that keeps one between forward and backward.)
class ProcessGroup : public torch::CustomClassHolder {
 public:
  /// Waits for the others: Gloo on the CPU, over the loopback interface; NCCL on GPUs.
  ///
  /// in:    `place`: a count of two or more, and a rendezvous in a folder that only its owner reads
  /// fails: unsupported/no_process_groups where there is neither; internal/libtorch when somebody
  ///        does not come within a day
  [[nodiscard]] static Result<c10::intrusive_ptr<ProcessGroup>> join(const ProcessPlace& place,
                                                                     torch::Device device);

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// Replaces the numbers of a tensor by their sums over all processes.
  virtual void sum(torch::Tensor& tensor) = 0;

  /// The rows of all processes, in the order of their ranks: [size x N, ...] of [N, ...]. Gradients
  /// flow into this process's own rows.
  [[nodiscard]] torch::Tensor gather_rows(const torch::Tensor& rows);

  /// The same for the gradients of many tensors, in one message: each becomes the sum over all.
  /// Those without a gradient are left out.
  void sum_gradients(const std::vector<torch::Tensor>& parameters);

  /// Whether any process says so.
  [[nodiscard]] bool any(bool here, torch::Device device);

 protected:
  [[nodiscard]] virtual std::vector<torch::Tensor> gather(torch::Tensor rows) = 0;
};

}  // namespace faceforge::train
