#pragma once

#include <cstddef>
#include <cstdint>

namespace faceforge::gallery {

/// Bounds on what one user may keep. Beyond one of them: exhausted/..., naming value and limit.
struct Limits {
  int64_t galleries_per_user = 100;     ///< setting limits.galleries
  int64_t people_per_gallery = 10'000;  ///< setting limits.people
  int64_t photos_per_person = 500;      ///< setting limits.photos_per_person; at most 32 768
  /// setting limits.photos_per_gallery; a trained gallery is held in memory whole: 512 floats a
  /// photo are 200 MB here
  int64_t photos_per_gallery = 100'000;
  int64_t versions_per_gallery = 200;  ///< setting limits.versions
  /// Beyond one of the next two the oldest go: a camera that runs for weeks must not stop anyone.
  int64_t sightings_per_gallery = 10'000;  ///< setting limits.sightings
  int64_t unknown_faces_per_gallery =
      1'000;                            ///< setting limits.unknown_faces; they are all grouped
  int64_t photos_copied_at_once = 500;  ///< of a duplicate: others write in between
  size_t photo_bytes = 25'000'000;      ///< setting limits.photo_bytes, for reading back
};

}  // namespace faceforge::gallery
