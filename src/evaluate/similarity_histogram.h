#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace faceforge::evaluate {

/// Counts similarities in bins so narrow (2^-16) that a threshold read from it is as good as an
/// exact one, in a memory that does not grow with the millions of pairs.
class SimilarityHistogram {
 public:
  SimilarityHistogram();

  /// in: `similarity` in [-1, 1]; what lies outside is counted at the nearer end
  void add(float similarity);

  [[nodiscard]] int64_t total_count() const { return total_count_; }

  /// The lowest bin edge that at most `allowed_count` of the similarities reach. Edges are exact
  /// floats, so `similarity >= edge` means the same here and wherever the threshold is used.
  [[nodiscard]] float threshold_reached_by(int64_t allowed_count) const;

  /// out: how many similarities are at or above the bin edge `threshold`
  [[nodiscard]] int64_t count_reaching(float threshold) const;

  /// How many similarities each bin holds, by rising similarity.
  [[nodiscard]] std::span<const int64_t> counts() const { return counts_; }

  /// The lowest similarity of a bin, an exact float.
  [[nodiscard]] static float lower_edge(size_t bin);

 private:
  std::vector<int64_t> counts_;
  int64_t total_count_ = 0;
};

}  // namespace faceforge::evaluate
