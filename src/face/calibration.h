#pragma once

#include <cstdint>
#include <vector>

#include "face/model_id.h"

namespace faceforge::face {

/// One measured promise: at this similarity a stranger is accepted this often.
struct CalibrationPoint {
  double false_match_rate = 0;  ///< FMR
  float match_threshold = 0;    ///< similarity
};

/// What a model's card knows of its impostor similarities; made by `faceforge evaluate calibrate`.
/// `points` fall in FMR (so rise in threshold) and end where fewer than 10 errors stand behind a
/// value; beyond, the fitted tail answers and the answer is marked as extrapolated.
struct Calibration {
  ModelId model_id;  ///< a threshold without a ModelId does not exist
  int64_t impostor_pair_count = 0;
  std::vector<CalibrationPoint> points;
  /// Rarer rates count as extrapolated although there are points for them: those of a personal head
  /// are derived from its pack's. 0: all points were measured.
  double least_measured_rate = 0;
  /// Tail: ln FMR = tail_intercept + tail_slope * t + tail_curvature * t^2, fitted to the rarest
  /// measured points, falling in t beyond the last of them.
  double tail_intercept = 0;
  double tail_slope = 0;
  double tail_curvature = 0;
  /// Two standard deviations of a photo's similarity to its own person's template.
  float ambiguity_margin = 0;
};

}  // namespace faceforge::face
