#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/person_bootstrap.h"

namespace faceforge::evaluate {

/// Two photos.
struct PhotoPair {
  uint32_t first_photo = 0;
  uint32_t second_photo = 0;
};

/// Pairs of photos, and who is on them.
struct PairSample {
  std::vector<PhotoPair> photos{};
  std::vector<PersonPair> people{};  ///< beside `photos`
};

/// Takes every pair of photos, the genuine ones first; of a kind with more than `limit_each` so
/// many of them, drawn by the seed.
///
/// in:   `person_of` every photo
/// cost: O(photos + genuine pairs + limit_each log limit_each)
[[nodiscard]] PairSample sample_pairs(std::span<const uint32_t> person_of, size_t limit_each,
                                      uint64_t seed);

/// Takes every pair of a gallery photo with a test photo, likewise.
///
/// in:   `person_of` every photo; the first `gallery_count` of them are the gallery
/// cost: O(gallery photos * test photos)
[[nodiscard]] PairSample sample_cross_pairs(std::span<const uint32_t> person_of,
                                            size_t gallery_count, size_t limit_each, uint64_t seed);

}  // namespace faceforge::evaluate
