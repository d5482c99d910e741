#include "vision/photo_look.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace faceforge::vision {
namespace {

/// Whether decoding it whole would give more pixels than these.
bool has_more_pixels(const image::Photo& photo, const image::DecodeLimits& limits) {
  const int longer_px = std::max(photo.image.width_px(), photo.image.height_px());
  return longer_px < std::min(std::max(photo.width_px, photo.height_px), limits.working_side_px);
}

/// The look at a halved photo; nothing where more pixels would show more. The halved photo is gone
/// then, before the whole one takes its room.
Result<std::optional<PhotoLook>> first_look(const Pipeline& pipeline,
                                            std::span<const std::byte> file,
                                            const image::DecodeLimits& limits,
                                            std::span<const face::DetectedFace> known_faces,
                                            const DetectOptions& options) {
  image::Photo photo = TRY(image::decode(file, limits, kEnoughSide_px, pipeline.thread_count()));
  auto faces = TRY(pipeline.detect(photo, options));
  const auto is_short = [&](const face::DetectedFace& face) {
    return pipeline.is_short_of_pixels(photo, face);
  };
  const bool is_enough =
      !has_more_pixels(photo, limits) || (!faces.empty() && std::ranges::none_of(faces, is_short) &&
                                          std::ranges::none_of(known_faces, is_short));
  if (!is_enough) return std::nullopt;
  return PhotoLook{std::move(photo), std::move(faces)};
}

}  // namespace

Result<PhotoLook> look_at(const Pipeline& pipeline, std::span<const std::byte> file,
                          const image::DecodeLimits& limits,
                          std::span<const face::DetectedFace> known_faces,
                          const DetectOptions& options) {
  auto first = TRY(first_look(pipeline, file, limits, known_faces, options));
  if (first) return *std::move(first);
  image::Photo photo = TRY(image::decode(file, limits));
  auto faces = TRY(pipeline.detect(photo, options));
  return PhotoLook{std::move(photo), std::move(faces)};
}

}  // namespace faceforge::vision
