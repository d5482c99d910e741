#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/bounding_box.h"

namespace faceforge::http {

inline constexpr int kFaceCrop_px = 192;

/// Cuts a face out of a photo with a margin, for lists and comparisons on the screen.
///
/// in:    the photo's file; `box` in its pixels
/// out:   a JPEG of kFaceCrop_px square, without metadata; black beyond the photo's borders
/// fails: as image::decode and image::encode_jpeg
[[nodiscard]] Result<std::vector<std::byte>> face_crop_jpeg(std::span<const std::byte> file,
                                                            const face::BoundingBox& box);

}  // namespace faceforge::http
