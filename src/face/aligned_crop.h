#pragma once

#include <string>

#include "image/image.h"

namespace faceforge::face {

/// A face warped upright into the square that an embedder expects.
struct AlignedCrop {
  image::Image pixels;  ///< RGB8, `side_px` square as the template says; black outside the photo
  std::string landmark_template;  ///< the template's name; an embedder refuses another one's crop
};

}  // namespace faceforge::face
