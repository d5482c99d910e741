#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/checkpoint.h"
#include "train/networks.h"
#include "train/optimizer.h"
#include "train/tensor_file.h"

namespace faceforge::train {

/// A module's parameters and buffers with their names: what its state is.
[[nodiscard]] NamedTensors state_of(const torch::nn::Module& module);

/// Tensors as they are written to a file. Keeps the memory that its `tensors()` point into.
class TensorCollection {
 public:
  /// Adds tensors under `prefix` + name; those on a GPU, or not in the usual order, are copied.
  void add(std::string_view prefix, const NamedTensors& tensors);

  [[nodiscard]] const std::vector<StoredTensor>& tensors() const { return stored_; }

 private:
  std::vector<torch::Tensor> kept_;
  std::vector<StoredTensor> stored_;
};

/// Copies tensors of a file, named `prefix` + name, into those given.
///
/// fails: invalid_input/weights_do_not_fit when one is missing, of another shape or not of numbers
///        that fit, naming it; nothing may be used then
[[nodiscard]] Result<void> load_tensors(const TensorFile& file, std::string_view prefix,
                                        const NamedTensors& into);

/// Begins a network from weights that exist: of a checkpoint of the same network (its averaged
/// weights where it has them), or from a state of torchvision's resnet50, whose last layer (1000
/// classes of ImageNet) is left out and whose first ones are changed to take pictures in [-1, 1]
/// instead of ImageNet's mean and deviation.
///
/// fails: as TensorFile::read and load_tensors
[[nodiscard]] Result<void> load_initial_weights(EmbeddingNetwork& network,
                                                const std::filesystem::path& path);

}  // namespace faceforge::train
