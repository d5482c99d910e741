#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "gallery/gallery.h"

namespace faceforge::gallery {

using SightingId = StrongId<struct SightingTag>;
using UnknownFaceId = StrongId<struct UnknownFaceTag>;

/// Sightings of a person with less than this between them are one.
inline constexpr int64_t kVisitGap_ms = 60'000;

/// Someone of the gallery, seen in a live stream for a while.
struct NewSighting {
  PersonId person_id{};
  UnixTime_ms first_seen_ms = 0;
  UnixTime_ms last_seen_ms = 0;
  float similarity = 0;    ///< the highest of the looks
  int64_t look_count = 0;  ///< faces embedded
};

struct Sighting {
  SightingId id{};
  NewSighting seen{};
  Person person{};  ///< as they are now
};

/// What became another person's when somebody was merged into them.
struct Merged {
  std::vector<PhotoId> photos{};
  std::vector<SightingId> sightings{};
};

/// Who is a person of their own again, with which photos.
struct Unmerged {
  Person person{};
  std::vector<PhotoId> photos{};
};

/// A face of a live stream that the gallery did not know, in its best look.
struct NewUnknownFace {
  std::span<const std::byte> picture{};  ///< a JPEG of the face with a margin
  int width_px = 0;                      ///< of the picture
  int height_px = 0;
  face::DetectedFace face{};  ///< in the picture's pixels
  face::Quality quality{};    ///< as in the stream
  face::Embedding embedding{};
  UnixTime_ms first_seen_ms = 0;
  UnixTime_ms pictured_ms = 0;  ///< when the picture was taken
  UnixTime_ms last_seen_ms = 0;
  int64_t look_count = 0;
};

struct UnknownFace {
  UnknownFaceId id{};
  std::string content{};  ///< sha256 of the picture in hex; the blob's name
  int width_px = 0;
  int height_px = 0;
  face::DetectedFace face{};  ///< without its contour
  face::Quality quality{};
  face::Embedding embedding{};
  UnixTime_ms first_seen_ms = 0;
  UnixTime_ms last_seen_ms = 0;
  int64_t look_count = 0;
};

}  // namespace faceforge::gallery
