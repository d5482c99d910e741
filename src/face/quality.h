#pragma once

namespace faceforge::face {

/// How usable a face is. Numbers, not a verdict: whoever needs a limit states it.
struct Quality {
  float face_size_px = 0;  ///< shorter side of the box inside of the photo, in full-size pixels
  float sharpness = 0;  ///< variance of the Laplacian of the aligned grey crop; under 20 is blurred
  float brightness = 0;  ///< mean grey of the aligned crop in [0, 1]
  float yaw_deg = 0;     ///< positive: the face looks to the right of the picture
  float pitch_deg = 0;   ///< positive: the face looks down
  float roll_deg = 0;    ///< positive: turned clockwise in the picture
};

}  // namespace faceforge::face
