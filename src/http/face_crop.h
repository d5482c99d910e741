#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "face/bounding_box.h"
#include "image/image.h"

namespace faceforge::http {

inline constexpr int kFaceCrop_px = 192;

/// Cuts a face out of a photo with a margin, for lists and comparisons on the screen.
///
/// in:    `box` in pixels of the full-size photo
/// out:   a JPEG of kFaceCrop_px square, without metadata; black beyond the photo's borders
/// fails: as image::encode_jpeg
[[nodiscard]] Result<std::vector<std::byte>> face_crop_jpeg(const image::Photo& photo,
                                                            const face::BoundingBox& box);

}  // namespace faceforge::http
