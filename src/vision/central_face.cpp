#include "vision/central_face.h"

#include <utility>

namespace faceforge::vision {

Result<PhotoLook> look_again_if_faceless(const Pipeline& pipeline, std::span<const std::byte> file,
                                         const image::DecodeLimits& limits,
                                         const InputObserver& on_detector_input) {
  PhotoLook look =
      TRY(look_at(pipeline, file, limits, {}, {.on_detector_input = on_detector_input}));
  if (look.faces.empty()) {
    look.faces = TRY(pipeline.detect(look.photo, {.min_detection_score = kSecondDetectionScore}));
  }
  return look;
}

Result<std::optional<CentralFace>> find_central_face(const Pipeline& pipeline,
                                                     std::span<const std::byte> file,
                                                     const image::DecodeLimits& limits,
                                                     const InputObserver& on_detector_input) {
  auto [photo, faces] = TRY(look_again_if_faceless(pipeline, file, limits, on_detector_input));
  if (faces.empty()) return std::nullopt;
  const size_t face_index = central_face_index(faces, photo.width_px, photo.height_px);
  auto aligned = pipeline.align(photo, faces[face_index]);
  if (!aligned) {
    if (aligned.error().reason == "degenerate_landmarks") return std::nullopt;
    return Unexpected(aligned.error());
  }
  return CentralFace{std::move(photo), std::move(faces[face_index]), std::move(*aligned)};
}

}  // namespace faceforge::vision
