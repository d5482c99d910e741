#include "train/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/sha256.h"

namespace faceforge::train {
namespace {

constexpr std::string_view kStateKey = "faceforge.checkpoint";
constexpr std::string_view kPeopleTensor = "trained_people";
constexpr std::string_view kSaltField = "trained_people_salt";

Result<crops::CropShape> shape_from_json(const json::object& from) {
  const int64_t width_px = TRY(json::integer_field(from, "width_px"));
  const int64_t height_px = TRY(json::integer_field(from, "height_px"));
  for (const int64_t side_px : {width_px, height_px}) {
    if (side_px < 1 || std::cmp_greater(side_px, crops::kMaxSide_px)) {
      return fail(ErrorCode::InvalidInput, "setting_out_of_range",
                  "a crop's side is {} px; it must be in [1, {}]", side_px, crops::kMaxSide_px);
    }
  }
  return crops::CropShape{.width_px = static_cast<uint32_t>(width_px),
                          .height_px = static_cast<uint32_t>(height_px)};
}

Result<crops::TrainedPeople> people_of(const TensorFile& file, const json::object& from,
                                       std::string_view name) {
  const std::string digits = TRY(json::string_field(from, kSaltField));
  const crops::PersonSalt salt = TRY(crops::parse_person_salt(digits));
  const StoredTensor* stored = file.find(kPeopleTensor);
  if (stored == nullptr || stored->type != ElementType::U8 || stored->shape.size() != 2 ||
      std::cmp_not_equal(stored->shape[1], sizeof(crops::PersonHash))) {
    return fail(ErrorCode::InvalidInput, "not_a_checkpoint", "{} lacks the people trained on",
                name);
  }
  std::vector<crops::PersonHash> hashes(static_cast<size_t>(stored->shape[0]));
  if (!hashes.empty()) std::memcpy(hashes.data(), stored->bytes.data(), stored->bytes.size());
  return crops::TrainedPeople(salt, std::move(hashes));
}

}  // namespace

crops::TrainedPeople hash_people(const crops::CropFile& crops, std::span<const uint32_t> people,
                                 uint64_t seed) {
  const Sha256 drawn =
      sha256(fmt::format("faceforge-trained-people\n{}\n{}", to_hex(crops.sha256()), seed));
  crops::PersonSalt salt{};
  std::copy_n(drawn.begin(), salt.size(), salt.begin());
  std::vector<std::string> names;
  for (const uint32_t person : people) names.emplace_back(crops.name(person));
  return {salt, names};
}

TensorMetadata to_metadata(const CheckpointState& state) {
  json::object described{{"step", state.step}, {"settings", to_json(state.settings)}};
  if (state.crop_shape) {
    described["crops"] = json::object{{"width_px", state.crop_shape->width_px},
                                      {"height_px", state.crop_shape->height_px}};
  }
  if (state.trained_people) described[kSaltField] = to_hex(state.trained_people->salt());
  return {{std::string(kStateKey), json::to_text(described)}};
}

std::vector<StoredTensor> to_tensors(const CheckpointState& state) {
  if (!state.trained_people) return {};
  const auto& hashes = state.trained_people->hashes();
  return {{.name = std::string(kPeopleTensor),
           .type = ElementType::U8,
           .shape = {std::ssize(hashes), sizeof(crops::PersonHash)},
           .bytes = std::as_bytes(std::span(hashes))}};
}

Result<CheckpointState> checkpoint_state(const TensorFile& file, std::string_view name) {
  const auto described = file.metadata().find(kStateKey);
  if (described == file.metadata().end() || !file.metadata().contains(kTensorChecksumKey)) {
    return fail(ErrorCode::InvalidInput, "not_a_checkpoint", "{} is no checkpoint of a run", name);
  }
  const json::value parsed = TRY(json::parse(described->second));
  if (!parsed.is_object()) {
    return fail(ErrorCode::InvalidInput, "not_a_checkpoint", "{} says nothing of its run", name);
  }
  const json::object& from = parsed.get_object();
  CheckpointState state;
  const int64_t step = TRY(json::integer_field(from, "step"));
  if (step < 0) {
    return fail(ErrorCode::InvalidInput, "not_a_checkpoint", "{} is of step {}", name, step);
  }
  state.step = static_cast<uint64_t>(step);
  const json::object settings = TRY(json::object_field(from, "settings"));
  state.settings = TRY(settings_from_json(settings));
  if (json::has_field(from, "crops")) {
    const json::object shape = TRY(json::object_field(from, "crops"));
    state.crop_shape = TRY(shape_from_json(shape));
  }
  if (json::has_field(from, kSaltField)) {
    state.trained_people = TRY(people_of(file, from, name));
  }
  return state;
}

}  // namespace faceforge::train
