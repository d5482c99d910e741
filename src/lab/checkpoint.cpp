#include "lab/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/ranges.h>

#include "train/run.h"

namespace faceforge::lab {
namespace {

namespace fs = std::filesystem;

Result<fs::path> file_of(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return path;
  const fs::path file = path / train::kCheckpointFile;
  if (fs::exists(file, failed)) return file;
  return fail(ErrorCode::NotFound, "no_checkpoint", "the folder {} holds no {}", path.string(),
              train::kCheckpointFile);
}

WeightKind kind_of(const train::TensorFile& file) {
  const bool has_averages =
      std::ranges::any_of(file.tensors(), [](const train::StoredTensor& tensor) {
        return tensor.name.starts_with(train::kAveragePrefix);
      });
  return has_averages ? WeightKind::Averaged : WeightKind::Last;
}

}  // namespace

Checkpoint::Checkpoint(train::TensorFile file, train::CheckpointState state)
    : file_(std::move(file)), state_(std::move(state)), weight_kind_(kind_of(file_)) {}

Result<Checkpoint> Checkpoint::read(const fs::path& path) {
  const fs::path place = TRY(file_of(path));
  train::TensorFile file = TRY(train::TensorFile::read(place));
  train::CheckpointState state = TRY(train::checkpoint_state(file, place.string()));
  if (!state.crop_shape || !state.trained_people) {
    return fail(
        ErrorCode::InvalidInput, "checkpoint_too_old",
        "{} does not say whose its crops were and how large: `faceforge train --resume -o {}` "
        "writes it anew, also when the run is done",
        place.string(), place.parent_path().string());
  }
  if (state.crop_shape->width_px != state.crop_shape->height_px) {
    return fail(ErrorCode::Unsupported, "crops_not_square",
                "{} learnt from crops of {}x{} px; packs align to squares", place.string(),
                state.crop_shape->width_px, state.crop_shape->height_px);
  }
  return Checkpoint(std::move(file), std::move(state));
}

int Checkpoint::crop_side_px() const {
  return static_cast<int>(state_.crop_shape->width_px);
}

const crops::TrainedPeople& Checkpoint::trained_people() const {
  return *state_.trained_people;
}

WeightSource Checkpoint::weights() const {
  const std::string prefix(weight_kind_ == WeightKind::Averaged ? train::kAveragePrefix
                                                                : train::kNetworkPrefix);
  return [this, prefix](const std::string& name,
                        const std::vector<int64_t>& shape) -> Result<nn::Tensor> {
    const train::StoredTensor* stored = file_.find(prefix + name);
    if (stored == nullptr) {
      return fail(ErrorCode::InvalidInput, "weights_do_not_fit", "{}{} is missing", prefix, name);
    }
    if (stored->shape != shape || stored->type != train::ElementType::F32) {
      return fail(ErrorCode::InvalidInput, "weights_do_not_fit",
                  "{}: a shape of [{}]{}; the network has [{}]", stored->name,
                  fmt::join(stored->shape, ", "),
                  stored->type == train::ElementType::F32 ? "" : ", not of 32-bit floats",
                  fmt::join(shape, ", "));
    }
    nn::Tensor tensor{.shape = shape, .values = {}};
    tensor.values.resize(stored->bytes.size() / sizeof(float));
    if (!stored->bytes.empty()) {
      std::memcpy(tensor.values.data(), stored->bytes.data(), stored->bytes.size());
    }
    return tensor;
  };
}

}  // namespace faceforge::lab
