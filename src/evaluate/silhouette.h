#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace faceforge::evaluate {

/// How much closer a photo lies to its own person's others than to the nearest other person:
/// (b - a) / max(a, b), where a is the mean distance to the person's others, b the least mean
/// distance to the photos of another person, and a distance is 1 - similarity. From -1 to 1; below
/// 0, somebody else is nearer.
///
/// in:     `similarities` to all photos, beside `person_of`; `kFailedComparison` for those without
///         an embedding, which do not count
/// out:    nothing when the person has no other photo, or there is nobody else
/// source: Rousseeuw 1987, "Silhouettes: a graphical aid to the interpretation and validation of
///         cluster analysis". Deviation: he gives a single photo's person 0; here it is left out
[[nodiscard]] std::optional<double> silhouette(std::span<const float> similarities,
                                               std::span<const uint32_t> person_of,
                                               size_t person_count, size_t photo);

}  // namespace faceforge::evaluate
