#include "vision/photo_look.h"

#include <algorithm>
#include <utility>

namespace faceforge::vision {

Result<PhotoLook> look_at(const Pipeline& pipeline, std::span<const std::byte> file,
                          const image::DecodeLimits& limits,
                          std::span<const face::DetectedFace> known_faces,
                          const DetectOptions& options) {
  image::Photo photo = TRY(image::decode(file, limits, kEnoughSide_px));
  auto faces = TRY(pipeline.detect(photo, options));
  const auto is_short = [&](const face::DetectedFace& face) {
    return pipeline.is_short_of_pixels(photo, face);
  };
  if (photo.scale() < 1 && (faces.empty() || std::ranges::any_of(faces, is_short) ||
                            std::ranges::any_of(known_faces, is_short))) {
    photo = TRY(image::decode(file, limits));
    faces = TRY(pipeline.detect(photo, options));
  }
  return PhotoLook{std::move(photo), std::move(faces)};
}

}  // namespace faceforge::vision
