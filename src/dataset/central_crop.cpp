#include "dataset/central_crop.h"

#include <utility>

#include "base/check.h"
#include "vision/photo_look.h"

namespace faceforge::dataset {
namespace {

constexpr float kSecondDetectionScore = 0.1F;

}  // namespace

Result<image::Image> central_crop(const vision::Pipeline& pipeline,
                                  std::span<const std::byte> file) {
  auto [photo, faces] = TRY(vision::look_at(pipeline, file));
  if (faces.empty()) {
    faces = TRY(pipeline.detect(photo, {.min_detection_score = kSecondDetectionScore}));
  }
  if (faces.empty()) {
    return fail(ErrorCode::InvalidInput, "no_face_found", "no face was found in the photo");
  }
  const size_t face_index = vision::central_face_index(faces, photo.width_px, photo.height_px);
  auto aligned = TRY(pipeline.align(photo, faces[face_index]));
  CHECK(!aligned.crops.empty());
  return std::move(aligned.crops.front().pixels);
}

}  // namespace faceforge::dataset
