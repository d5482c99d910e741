#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evaluate/binomial_interval.h"

namespace faceforge::evaluate {

/// How well one photo finds the others of its person among all others.
struct Retrieval {
  size_t first_rank = 0;         ///< of the person's first photo, from 1; 0: never, it has no face
  double precision_at_5 = 0;     ///< of the first five, or of as many as the person has others
  double r_precision = 0;        ///< of the first R, the number of the person's others
  double average_precision = 0;  ///< mean of the precision at each of the person's photos
};

/// in:     `similarities` to all photos, beside `person_of`; `kFailedComparison` for those without
///         an embedding, which come last
/// out:    nothing when the person has no other photo; of equals the other people's come first
/// source: Manning, Raghavan & Schuetze 2008, "Introduction to Information Retrieval", section 8.4;
///         Musgrave, Belongie & Lim 2020, "A Metric Learning Reality Check" (why R-precision)
/// cost:   O(photos * log photos)
[[nodiscard]] std::optional<Retrieval> retrieve(std::span<const float> similarities,
                                                std::span<const uint32_t> person_of, size_t photo);

/// The same of many photos.
struct RetrievalMetrics {
  CountedRate misses_at_rank_1{};  ///< photos whose nearest other photo is somebody else's
  CountedRate misses_at_rank_5{};
  CountedRate misses_at_rank_20{};
  double precision_at_5 = 0;  ///< means
  double r_precision = 0;
  double mean_average_precision = 0;
};

/// in: what `retrieve` said of every photo; one with a person of several photos and no embedding
///     is a `Retrieval{}`: it finds nobody
[[nodiscard]] RetrievalMetrics summarize(std::span<const std::optional<Retrieval>> retrievals);

}  // namespace faceforge::evaluate
