#pragma once

#include <string>
#include <vector>

#include "image/image.h"

namespace faceforge::face {

/// A face warped upright into the square that an embedder expects.
struct AlignedCrop {
  image::Image pixels;  ///< RGB8, `side_px` square as the template says; black outside the photo
  std::string landmark_template;  ///< the template's name; an embedder refuses another one's crop
};

/// A face as all embedders of a pack want to see it.
struct AlignedFace {
  std::vector<AlignedCrop> crops;  ///< one a template of the pack, the first embedder's first
};

}  // namespace faceforge::face
