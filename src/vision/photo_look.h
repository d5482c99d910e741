#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/detected_face.h"
#include "image/image.h"
#include "vision/pipeline.h"

namespace faceforge::vision {

/// The longer side that a halved photo keeps: two and a half times the detector's overview, so that
/// faces whose crops need not be enlarged (75 px wide) are seen at 30 px there.
inline constexpr int kEnoughSide_px = 1600;

/// A photo and the faces in it.
struct PhotoLook {
  image::Photo photo;
  std::vector<face::DetectedFace> faces;  ///< as `Pipeline::detect`
};

/// Decodes a photo and finds its faces, in no more pixels than both need: a JPEG or WebP is halved
/// while it is loaded, and read again at full size only where that shows no face, or one whose crop
/// would be enlarged from the halved photo (docs/decisions/0021).
///
/// in:    `known_faces` that will be aligned as well, found here or not
/// fails: as `image::decode` and `Pipeline::detect`
[[nodiscard]] Result<PhotoLook> look_at(const Pipeline& pipeline, std::span<const std::byte> file,
                                        const image::DecodeLimits& limits = {},
                                        std::span<const face::DetectedFace> known_faces = {},
                                        const DetectOptions& options = {});

}  // namespace faceforge::vision
