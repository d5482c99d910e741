#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "image/image.h"
#include "vision/pipeline.h"

namespace faceforge::dataset {

/// Cuts a photo's central face out, aligned as the pack's first embedder sees it: training and
/// serving share the very same alignment.
///
/// fails:  invalid_input/no_face_found; as vision::find_central_face
[[nodiscard]] Result<image::Image> central_crop(const vision::Pipeline& pipeline,
                                                std::span<const std::byte> file);

}  // namespace faceforge::dataset
