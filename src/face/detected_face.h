#pragma once

#include <vector>

#include "face/bounding_box.h"
#include "face/landmarks.h"

namespace faceforge::face {

/// A face found in a photo; every length in pixels of the full-size upright photo.
struct DetectedFace {
  BoundingBox box = {};
  float detection_score = 0;  ///< in [0, 1]
  Landmarks landmarks{};
  /// The 68 points of iBUG 300-W when the pack has a landmark network, else empty.
  std::vector<Point> contour = {};
};

}  // namespace faceforge::face
