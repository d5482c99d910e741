#include "dataset/central_crop.h"

#include <utility>

#include "base/check.h"
#include "vision/central_face.h"

namespace faceforge::dataset {

Result<image::Image> central_crop(const vision::Pipeline& pipeline,
                                  std::span<const std::byte> file) {
  auto central = TRY(vision::find_central_face(pipeline, file));
  if (!central) {
    return fail(ErrorCode::InvalidInput, "no_face_found", "no face was found in the photo");
  }
  CHECK(!central->aligned.crops.empty());
  return std::move(central->aligned.crops.front().pixels);
}

}  // namespace faceforge::dataset
