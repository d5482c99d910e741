#pragma once

#include <cstddef>
#include <vector>

#include "dataset/photo_facts.h"

namespace faceforge::dataset {

struct DuplicateOptions {
  /// Bits of the difference hash in which copies may differ. source: Krawetz 2013: over 10 is
  /// "likely a different image".
  int max_differing_bits = 10;
  /// Of the central faces, which confirms what the hash suggests: pictures that are alike in their
  /// coarse lights and darks are many. Copies of one photo are above; two photos of one person, as
  /// far as they are not of one moment, below.
  float min_similarity = 0.9F;
};

/// A photo beside the one that is kept.
struct DuplicatePhoto {
  size_t photo_index = 0;
  bool is_exact = false;  ///< the same bytes
  int differing_bits = 0;
  float similarity = 1;  ///< of the faces; 1 for exact copies
};

/// Photos that are copies of one.
struct DuplicateGroup {
  size_t kept_index = 0;  ///< of the most pixels; of equals the sharper face, then the first name
  std::vector<DuplicatePhoto> others;  ///< in the order of names
  bool is_across_people = false;       ///< one of the names is wrong
};

/// Finds photos that are there more than once, exactly (the same bytes) or nearly (another size,
/// quality or a little light: the hash suggests it and the faces confirm it). What is a copy of a
/// copy is in the same group.
///
/// out:   in the order of the kept photos' names
/// cost:  O(photos^2) comparisons of 64 bits: 30 000 photos in half a second
[[nodiscard]] std::vector<DuplicateGroup> find_duplicates(const LookedPeople& people,
                                                          const DuplicateOptions& options = {});

}  // namespace faceforge::dataset
