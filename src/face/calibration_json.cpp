#include "face/calibration_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace faceforge::face {
namespace {

bool is_within(double number, double low, double high) {
  return number >= low && number <= high;
}

Result<std::vector<CalibrationPoint>> points_from_json(const json::array& from) {
  std::vector<CalibrationPoint> points;
  points.reserve(from.size());
  for (const json::value& entry : from) {
    if (!entry.is_object()) {
      return fail(ErrorCode::InvalidInput, "calibration_malformed", "a point is not an object");
    }
    const double rate = TRY(json::number_field(entry.get_object(), "false_match_rate"));
    const double similarity = TRY(json::number_field(entry.get_object(), "match_threshold"));
    const bool falls = points.empty() || rate < points.back().false_match_rate;
    const bool rises = points.empty() || similarity > double{points.back().match_threshold};
    if (!falls || !rises || !(rate > 0 && rate < 1) || !is_within(similarity, -1, 1)) {
      return fail(ErrorCode::InvalidInput, "calibration_malformed",
                  "point {} ({} at {}) does not fall in rate and rise in similarity",
                  points.size() + 1, rate, similarity);
    }
    points.push_back({rate, static_cast<float>(similarity)});
  }
  if (points.empty()) {
    return fail(ErrorCode::InvalidInput, "calibration_malformed", "it has no points");
  }
  return points;
}

}  // namespace

json::object to_json(const Calibration& calibration) {
  json::array points;
  for (const CalibrationPoint& point : calibration.points) {
    points.push_back(json::object{{"false_match_rate", point.false_match_rate},
                                  {"match_threshold", json::number(point.match_threshold)}});
  }
  json::object text{{"model_id", calibration.model_id.hex()},
                    {"impostor_pair_count", calibration.impostor_pair_count},
                    {"points", std::move(points)},
                    {"tail", json::array{calibration.tail_intercept, calibration.tail_slope,
                                         calibration.tail_curvature}},
                    {"ambiguity_margin", json::number(calibration.ambiguity_margin)}};
  if (calibration.least_measured_rate > 0) {
    text["least_measured_rate"] = calibration.least_measured_rate;
  }
  return text;
}

Result<Calibration> calibration_from_json(const json::object& from) {
  Calibration calibration;
  calibration.model_id = ModelId(TRY(json::string_field(from, "model_id")));
  if (calibration.model_id.empty()) {
    return fail(ErrorCode::InvalidInput, "calibration_malformed", "its model_id is empty");
  }
  calibration.impostor_pair_count = TRY(json::integer_field(from, "impostor_pair_count"));
  const json::array points = TRY(json::array_field(from, "points"));
  calibration.points = TRY(points_from_json(points));
  const json::array tail = TRY(json::array_field(from, "tail"));
  const bool numbers =
      std::ranges::all_of(tail, [](const json::value& v) { return v.is_number(); });
  if (tail.size() != 3 || !numbers) {
    return fail(ErrorCode::InvalidInput, "calibration_malformed", "its tail is not three numbers");
  }
  calibration.tail_intercept = tail[0].to_number<double>();
  calibration.tail_slope = tail[1].to_number<double>();
  calibration.tail_curvature = tail[2].to_number<double>();
  const double margin = TRY(json::number_field(from, "ambiguity_margin"));
  if (!is_within(margin, 0, 2)) {
    return fail(ErrorCode::InvalidInput, "calibration_malformed",
                "its ambiguity_margin is {}; it lies in 0 to 2", margin);
  }
  calibration.ambiguity_margin = static_cast<float>(margin);
  if (json::has_field(from, "least_measured_rate")) {
    calibration.least_measured_rate = TRY(json::number_field(from, "least_measured_rate"));
    if (!is_within(calibration.least_measured_rate, 0, 1)) {
      return fail(ErrorCode::InvalidInput, "calibration_malformed",
                  "its least_measured_rate is {}; it lies in 0 to 1",
                  calibration.least_measured_rate);
    }
  }
  return calibration;
}

}  // namespace faceforge::face
