#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crops/crop_file.h"
#include "train/settings.h"
#include "train/tensor_file.h"

// A run's checkpoint.safetensors, without LibTorch: what it says of itself, and its tensors' names.
namespace faceforge::train {

inline constexpr std::string_view kNetworkPrefix = "network.";
inline constexpr std::string_view kAveragePrefix = "average.";  ///< with an EMA only
inline constexpr std::string_view kBackbonePrefix = "backbone.";

/// What a checkpoint says beside its numbers.
struct CheckpointState {
  uint64_t step = 0;
  RunSettings settings = {};
  std::optional<crops::CropShape> crop_shape = {};  ///< of the crops learnt from; not in old ones
};

[[nodiscard]] TensorMetadata to_metadata(const CheckpointState& state);

/// Reads what to_metadata wrote.
///
/// in:    `name` of the file, for messages
/// fails: invalid_input/not_a_checkpoint for a file that is none, or that carries no checksum; as
///        settings_from_json
[[nodiscard]] Result<CheckpointState> checkpoint_state(const TensorFile& file,
                                                       std::string_view name);

}  // namespace faceforge::train
