#pragma once

#include <cstddef>
#include <vector>

#include "image/image.h"

namespace faceforge::image {

/// Writes an sRGB JPEG without any metadata.
///
/// in:     `quality` in [1, 100]; from 90 on, colour is kept at full resolution
/// fails:  exhausted/encode_failed when memory runs out
[[nodiscard]] Result<std::vector<std::byte>> encode_jpeg(const Image& image, int quality = 90);

/// Writes an sRGB PNG (lossless) without any metadata.
///
/// fails:  exhausted/encode_failed when memory runs out
[[nodiscard]] Result<std::vector<std::byte>> encode_png(const Image& image);

}  // namespace faceforge::image
