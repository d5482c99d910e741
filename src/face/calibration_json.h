#pragma once

#include "base/json.h"
#include "base/result.h"
#include "face/calibration.h"

namespace faceforge::face {

/// A calibration as cards and gallery models write it: `{"model_id":..,"impostor_pair_count":..,
/// "points":[{"false_match_rate":..,"match_threshold":..},..],"tail":[intercept, slope, curvature],
/// "ambiguity_margin":..}`, and `"least_measured_rate"` where it is not 0
[[nodiscard]] json::object to_json(const Calibration& calibration);

/// Reads it back and checks what everyone relies on.
///
/// fails: invalid_input/json_field_missing, json_field_type; invalid_input/calibration_malformed
///        when there is no model or no point, when the points do not fall in FMR within (0, 1)
///        while they rise in similarity within [-1, 1], when the margin is not within [0, 2], the
///        tail has not three numbers or the least measured rate is not within [0, 1]
[[nodiscard]] Result<Calibration> calibration_from_json(const json::object& from);

}  // namespace faceforge::face
