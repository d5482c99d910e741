#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "image/image.h"
#include "vision/photo_look.h"
#include "vision/pipeline.h"

namespace faceforge::dataset {

/// As vision::look_at; none found: once more at a detection score of 0.1, for whoever collected the
/// photo saw a face.
[[nodiscard]] Result<vision::PhotoLook> look_again_if_faceless(const vision::Pipeline& pipeline,
                                                               std::span<const std::byte> file);

/// Aligns the central face of a photo as the pack's first embedder sees it: training and serving
/// share the very same alignment. Looks as look_again_if_faceless.
///
/// fails:  invalid_input/no_face_found; as image::decode, Pipeline::detect and Pipeline::align
/// source: the choice of the face: `vision::central_face_index`
[[nodiscard]] Result<image::Image> central_crop(const vision::Pipeline& pipeline,
                                                std::span<const std::byte> file);

}  // namespace faceforge::dataset
