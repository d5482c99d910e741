#pragma once

namespace faceforge::recognition {

/// How a box moves, in pixels of the full-size upright photo a second.
struct BoxVelocity {
  float x = 0;  ///< of the centre
  float y = 0;
  float width = 0;
  float height = 0;
};

}  // namespace faceforge::recognition
