#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "recognition/face_engine.h"
#include "recognition/photo_faces.h"

namespace faceforge::recognition::internal {

/// A photo in which one face is wanted: all that were found, and the one or why there is none.
struct OneFace {
  int width_px = 0;
  int height_px = 0;
  std::vector<face::DetectedFace> faces{};
  Result<PhotoFace> chosen;
};

/// Finds the face that is meant and embeds only that one.
///
/// out:   `chosen` fails as choose_face, vision::Pipeline::align and embed
/// fails: as image::decode and vision::Pipeline::detect
[[nodiscard]] Result<OneFace> look_for_one_face(const FaceEngine& engine,
                                                std::span<const std::byte> file,
                                                const WantedFace& wanted, float min_face_px);

/// Aligns, embeds and judges one face of a photo.
[[nodiscard]] Result<PhotoFace> look_at_face(const FaceEngine& engine, const image::Photo& photo,
                                             const face::DetectedFace& face);

/// Looks at a face that was found in a picture before, perhaps by another pack: at the one that is
/// found in the same place now, or, when there is none, at the one that is known.
///
/// fails: as FaceEngine::look_at and look_at_face
[[nodiscard]] Result<PhotoFace> look_again(const FaceEngine& engine,
                                           std::span<const std::byte> file,
                                           const face::DetectedFace& known);

/// The shorter side of a face's box.
[[nodiscard]] float face_size_px(const face::DetectedFace& face);

}  // namespace faceforge::recognition::internal
