#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "lab/layer_writer.h"
#include "train/checkpoint.h"
#include "train/tensor_file.h"

namespace faceforge::lab {

/// Which weights of a checkpoint count: those that the run was measured with.
enum class WeightKind { Last, Averaged };

/// A checkpoint of `faceforge train`, read whole and checked against its checksum.
class Checkpoint {
 public:
  /// in:    `path` of the file, or of the folder of its run
  /// fails: as train::TensorFile::read and train::checkpoint_state; not_found/no_checkpoint for a
  ///        folder without one; invalid_input/checkpoint_too_old for one that does not say whose
  ///        its crops were and how large; unsupported/crops_not_square
  [[nodiscard]] static Result<Checkpoint> read(const std::filesystem::path& path);

  [[nodiscard]] const train::NetworkSettings& network() const { return state_.settings.network; }
  [[nodiscard]] uint64_t step() const { return state_.step; }
  [[nodiscard]] int crop_side_px() const;
  [[nodiscard]] const crops::TrainedPeople& trained_people() const;

  /// Averaged where the run kept averages.
  [[nodiscard]] WeightKind weight_kind() const { return weight_kind_; }

  /// The network's weights by the names of its state.
  ///
  /// out:   a source that fails with invalid_input/weights_do_not_fit, naming the tensor; the
  ///        checkpoint outlives it
  [[nodiscard]] WeightSource weights() const;

 private:
  Checkpoint(train::TensorFile file, train::CheckpointState state);

  train::TensorFile file_;
  train::CheckpointState state_;
  WeightKind weight_kind_;
};

}  // namespace faceforge::lab
