#include "train/checkpoint.h"

#include <string>
#include <utility>

namespace faceforge::train {
namespace {

constexpr std::string_view kStateKey = "faceforge.checkpoint";

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

}  // namespace

TensorMetadata to_metadata(const CheckpointState& state) {
  json::object described{{"step", state.step}, {"settings", to_json(state.settings)}};
  if (state.crop_shape) {
    described["crops"] = json::object{{"width_px", state.crop_shape->width_px},
                                      {"height_px", state.crop_shape->height_px}};
  }
  return {{std::string(kStateKey), json::to_text(described)}};
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
  return state;
}

}  // namespace faceforge::train
