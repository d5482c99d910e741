#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/attributes.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/labelled_photos.h"

namespace faceforge::evaluate {

/// Errors of one group at the threshold that all groups share.
struct GroupErrors {
  std::string group{};
  size_t photo_count = 0;
  CountedRate false_non_matches{};  ///< of genuine pairs within the group
  CountedRate false_matches{};      ///< of impostor pairs within the group: people who are alike
};

struct AttributeErrors {
  std::string attribute{};
  std::vector<GroupErrors> groups{};
};

/// Measures how differently groups fare at one threshold.
///
/// fails:  cancelled/cancelled
/// cost:   O(photos of a group ^2 * embedding length) a group
/// source: Grother, Ngan & Hanaoka 2019, NISTIR 8280, "FRVT Part 3: Demographic Effects" (FMR of
///         pairs of the same group, at a fixed threshold)
[[nodiscard]] Result<std::vector<AttributeErrors>> measure_groups(
    const LabelledPhotos& photos, std::span<const AttributeGroups> attributes,
    float match_threshold, const Supervision& supervision);

/// Genuine pairs whose worse photo lies in a range of a quality measure.
struct QualityBin {
  double low = 0;
  double high = 0;
  CountedRate false_non_matches{};
};

struct QualityErrors {
  std::string measure{};           ///< as in `face::Quality`; angles without their sign
  std::vector<QualityBin> bins{};  ///< by quartiles of the photos, rising
};

/// Measures what the quality of photos does to FNMR. A pair is as good as its worse photo: the
/// smaller, the less sharp, the one that looks further aside.
///
/// out:    nothing of a measure that all photos agree in, or without genuine pairs
/// source: Grother & Tabassi 2007, "Performance of Biometric Quality Measures" (a pair's quality is
///         that of the worse sample)
[[nodiscard]] std::vector<QualityErrors> measure_quality(const LabelledPhotos& photos,
                                                         float match_threshold);

}  // namespace faceforge::evaluate
