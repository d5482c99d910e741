#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "crops/crop_file.h"
#include "crops/trained_people.h"
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
  // Not in those of the first versions:
  std::optional<crops::CropShape> crop_shape = {};          ///< of the crops learnt from
  std::optional<crops::TrainedPeople> trained_people = {};  ///< whose they were
};

/// The people of a list as keyed hashes. The salt is a function of crops and seed, as all that a
/// run draws is: a run that is repeated has the same checkpoint to the last bit.
[[nodiscard]] crops::TrainedPeople hash_people(const crops::CropFile& crops,
                                               std::span<const uint32_t> people, uint64_t seed);

/// The state as a file's metadata and, where people are known, the tensor `trained_people` of their
/// hashes, which points into `state`.
[[nodiscard]] TensorMetadata to_metadata(const CheckpointState& state);
[[nodiscard]] std::vector<StoredTensor> to_tensors(const CheckpointState& state);

/// Reads what to_metadata and to_tensors made.
///
/// in:    `name` of the file, for messages
/// fails: invalid_input/not_a_checkpoint for a file that is none, or that carries no checksum; as
///        settings_from_json and crops::parse_person_salt
[[nodiscard]] Result<CheckpointState> checkpoint_state(const TensorFile& file,
                                                       std::string_view name);

}  // namespace faceforge::train
