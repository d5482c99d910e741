#pragma once

#include <cstddef>
#include <vector>

namespace faceforge::train {

/// The similarities of all pairs of a set of crops, by whether a pair is of one person.
struct PairSimilarities {
  std::vector<float> genuine;
  std::vector<float> impostor;
};

/// How well genuine pairs are told from impostor pairs.
struct Separation {
  size_t crop_count = 0;
  size_t person_count = 0;
  size_t genuine_pair_count = 0;
  size_t impostor_pair_count = 0;
  double auc = 0;          ///< how often a genuine pair is more similar than an impostor pair
  double tar_at_fmr1 = 0;  ///< TAR where at most one impostor pair in 10 passes
  double tar_at_fmr2 = 0;  ///< .. in 100
  double tar_at_fmr3 = 0;  ///< .. in 1000
};

/// Measures pairs; how many crops and people they are of is left to the caller.
///
/// in:   at least one pair of each kind (a CHECK)
/// cost: O(n log n)
[[nodiscard]] Separation separation_of(PairSimilarities pairs);

}  // namespace faceforge::train
