#include "image/image.h"

#include <algorithm>

#include "base/check.h"

namespace faceforge::image {

Image::Image(int width_px, int height_px)
    : width_px_(width_px),
      height_px_(height_px),
      pixels_(static_cast<size_t>(width_px) * static_cast<size_t>(height_px) * kChannels) {}

Image Image::create(int width_px, int height_px) {
  CHECK(width_px > 0 && width_px <= kMaxSide_px);
  CHECK(height_px > 0 && height_px <= kMaxSide_px);
  return {width_px, height_px};
}

double Photo::scale() const {
  // The longer side, because the rounding of its length to whole pixels weighs least.
  return static_cast<double>(std::max(image.width_px(), image.height_px())) /
         static_cast<double>(std::max(width_px, height_px));
}

}  // namespace faceforge::image
