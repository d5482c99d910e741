#pragma once

#include <cstdint>
#include <optional>

#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "gallery/gallery.h"
#include "image/image.h"

namespace faceforge::recognition {

/// One look at a face of a stream, with what of the frame shows it. Times are those of the frames.
struct KeptLook {
  image::Image picture;       ///< the face with a margin
  face::DetectedFace face{};  ///< in the picture's pixels, without its contour
  face::Quality quality{};
  face::Embedding embedding{};
  int64_t seen_ms = 0;
};

/// Who was seen on a track, or a part of it: what a recording keeps.
struct TrackRecord {
  int64_t first_seen_ms = 0;
  int64_t last_seen_ms = 0;
  int64_t look_count = 0;                        ///< faces embedded
  std::optional<gallery::PersonId> person_id{};  ///< nothing: the gallery does not know them
  float similarity = 0;                          ///< to that person, the highest of the looks
  std::optional<KeptLook> best_look{};           ///< of an unknown face; of others none is kept
};

}  // namespace faceforge::recognition
