#pragma once

#include <optional>

#include "face/bounding_box.h"
#include "face/landmarks.h"

namespace faceforge::vision {

/// What a detector's head says, in pixels of the picture that the detector was given.
struct Detection {
  face::BoundingBox box;
  float detection_score = 0;                 ///< in [0, 1]
  std::optional<face::Landmarks> landmarks;  ///< nothing from a head that only finds boxes
};

}  // namespace faceforge::vision
