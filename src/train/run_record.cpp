#include "train/count_field.h"
#include "train/run.h"

// run.json: what a run is and what came of it.
namespace faceforge::train {
namespace {

json::object to_json(const Separation& separation) {
  return {{"crops", separation.crop_count},
          {"people", separation.person_count},
          {"genuine_pairs", separation.genuine_pair_count},
          {"impostor_pairs", separation.impostor_pair_count},
          {"auc", separation.auc},
          {"tar_at_fmr_1e-1", separation.tar_at_fmr1},
          {"tar_at_fmr_1e-2", separation.tar_at_fmr2},
          {"tar_at_fmr_1e-3", separation.tar_at_fmr3}};
}

Result<Separation> separation_from_json(const json::object& from) {
  Separation separation;
  separation.crop_count = TRY(count_field(from, "crops"));
  separation.person_count = TRY(count_field(from, "people"));
  separation.genuine_pair_count = TRY(count_field(from, "genuine_pairs"));
  separation.impostor_pair_count = TRY(count_field(from, "impostor_pairs"));
  separation.auc = TRY(json::number_field(from, "auc"));
  separation.tar_at_fmr1 = TRY(json::number_field(from, "tar_at_fmr_1e-1"));
  separation.tar_at_fmr2 = TRY(json::number_field(from, "tar_at_fmr_1e-2"));
  separation.tar_at_fmr3 = TRY(json::number_field(from, "tar_at_fmr_1e-3"));
  return separation;
}

Result<Measurement> measurement_from_json(const json::value& from) {
  if (!from.is_object()) {
    return fail(ErrorCode::InvalidInput, "json_field_type", "a measurement that is no object");
  }
  Measurement measurement;
  measurement.step = TRY(count_field(from.get_object(), "step"));
  measurement.separation = TRY(separation_from_json(from.get_object()));
  return measurement;
}

}  // namespace

json::object to_json(const RunRecord& record) {
  json::array measurements;
  for (const Measurement& measurement : record.measurements) {
    json::object described = to_json(measurement.separation);
    described["step"] = measurement.step;
    measurements.push_back(std::move(described));
  }
  return {{"faceforge_version", record.faceforge_version},
          {"libtorch_version", record.torch_version},
          {"device", record.device},
          {"data_sha256", record.data_sha256},
          {"initial_weights_sha256", record.initial_weights_sha256},
          {"people_sha256", record.people_sha256},
          {"held_out_sha256", record.held_out_sha256},
          {"people", record.person_count},
          {"crops", record.crop_count},
          {"parameters", record.parameter_count},
          {"steps_per_epoch", record.steps_per_epoch},
          {"steps_done", record.steps_done},
          {"training_s", record.training_s},
          {"settings", to_json(record.settings)},
          {"raw_pixels",
           record.raw_pixels ? json::value(to_json(*record.raw_pixels)) : json::value(nullptr)},
          {"measurements", std::move(measurements)}};
}

Result<RunRecord> record_from_json(const json::object& from) {
  RunRecord record;
  record.faceforge_version = TRY(json::string_field(from, "faceforge_version"));
  record.torch_version = TRY(json::string_field(from, "libtorch_version"));
  record.device = TRY(json::string_field(from, "device"));
  record.data_sha256 = TRY(json::string_field(from, "data_sha256"));
  if (json::has_field(from, "initial_weights_sha256")) {
    record.initial_weights_sha256 = TRY(json::string_field(from, "initial_weights_sha256"));
  }
  record.people_sha256 = TRY(json::string_field(from, "people_sha256"));
  record.held_out_sha256 = TRY(json::string_field(from, "held_out_sha256"));
  record.person_count = TRY(count_field(from, "people"));
  record.crop_count = TRY(count_field(from, "crops"));
  record.parameter_count = TRY(json::integer_field(from, "parameters"));
  record.steps_per_epoch = TRY(count_field(from, "steps_per_epoch"));
  record.steps_done = TRY(count_field(from, "steps_done"));
  record.training_s = TRY(json::number_field(from, "training_s"));
  const json::object settings = TRY(json::object_field(from, "settings"));
  record.settings = TRY(settings_from_json(settings));
  if (json::has_field(from, "raw_pixels") && !from.at("raw_pixels").is_null()) {
    const json::object raw_pixels = TRY(json::object_field(from, "raw_pixels"));
    record.raw_pixels = TRY(separation_from_json(raw_pixels));
  }
  const json::array measurements = TRY(json::array_field(from, "measurements"));
  for (const json::value& measurement : measurements) {
    record.measurements.push_back(TRY(measurement_from_json(measurement)));
  }
  return record;
}

}  // namespace faceforge::train
