#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "face/bounding_box.h"
#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

/// A face of a photo with everything the pack can say about it.
struct PhotoFace {
  face::DetectedFace face{};
  face::Quality quality{};
  face::Embedding embedding{};  ///< empty where only detection was asked for
};

/// A photo that was looked at; faces by falling area, lengths in pixels of the upright photo.
struct PhotoFaces {
  int width_px = 0;
  int height_px = 0;
  std::vector<PhotoFace> faces{};
};

/// Finds the faces of a photo and their quality, without embedding them.
///
/// out:   no face is an empty list; a face that cannot be aligned (its landmarks fall together) is
///        left out
/// fails: as image::decode and vision::Pipeline
[[nodiscard]] Result<PhotoFaces> detect(const FaceEngine& engine, std::span<const std::byte> file);

/// The same, with embeddings: bytes -> photo -> faces -> crops -> embeddings.
[[nodiscard]] Result<PhotoFaces> embed(const FaceEngine& engine, std::span<const std::byte> file);

/// What to do with a photo of several faces where one is wanted.
enum class FaceChoice {
  OnlyFace,  ///< refuse it
  Largest,   ///< take the face with the largest box
};

/// Which face is meant where one is wanted: by a rule, or the one at a place of the photo, in
/// pixels of the upright photo.
using WantedFace = std::variant<FaceChoice, face::BoundingBox>;

/// A face found again overlaps at least this much with where it was: intersection over union.
inline constexpr float kSameFaceOverlap = 0.3F;

/// The face that is meant where one is wanted.
///
/// out:   an index into `faces`
/// fails: invalid_input/no_face_found; invalid_input/several_faces with `FaceChoice::OnlyFace`;
///        invalid_input/no_face_there when none overlaps kSameFaceOverlap with a given box;
///        invalid_input/face_too_small when its shorter side is under `min_face_px`
[[nodiscard]] Result<size_t> choose_face(std::span<const PhotoFace> faces, const WantedFace& wanted,
                                         float min_face_px);

}  // namespace faceforge::recognition
