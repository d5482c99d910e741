#include "dataset/central_crop.h"

#include <utility>

#include "base/check.h"

namespace faceforge::dataset {
namespace {

constexpr float kSecondDetectionScore = 0.1F;

}  // namespace

Result<vision::PhotoLook> look_again_if_faceless(const vision::Pipeline& pipeline,
                                                 std::span<const std::byte> file) {
  vision::PhotoLook look = TRY(vision::look_at(pipeline, file));
  if (look.faces.empty()) {
    look.faces = TRY(pipeline.detect(look.photo, {.min_detection_score = kSecondDetectionScore}));
  }
  return look;
}

Result<image::Image> central_crop(const vision::Pipeline& pipeline,
                                  std::span<const std::byte> file) {
  const auto [photo, faces] = TRY(look_again_if_faceless(pipeline, file));
  if (faces.empty()) {
    return fail(ErrorCode::InvalidInput, "no_face_found", "no face was found in the photo");
  }
  const size_t face_index = vision::central_face_index(faces, photo.width_px, photo.height_px);
  auto aligned = TRY(pipeline.align(photo, faces[face_index]));
  CHECK(!aligned.crops.empty());
  return std::move(aligned.crops.front().pixels);
}

}  // namespace faceforge::dataset
