#pragma once

#include <cstdint>
#include <vector>

#include "face/calibration.h"

namespace faceforge::gallery {

/// How the similarities of strangers change when a head comes between: with = offset + slope *
/// without, at most, from their median to the rarest.
struct StrangerLine {
  double offset = 0;
  double slope = 1;
};

/// Fits the line to the quantiles of the same pairs without and with the head (a Q-Q plot), then
/// lifts it so that no quantile lies above it. It is never flatter than 1: what was not measured is
/// not promised to shrink.
///
/// in:     as many similarities of both kinds, in any order
/// out:    of fewer than `kFewestStrangerPairs` slope 1, and the most that any of them rose
/// source: Wilk & Gnanadesikan 1968, "Probability plotting methods for the analysis of data"
[[nodiscard]] StrangerLine stranger_line(std::vector<float> without_head,
                                         std::vector<float> with_head);

inline constexpr size_t kFewestStrangerPairs = 100;

/// A pack's calibration, brought into a head's space along the line: every threshold, and the tail.
/// None comes out lower than it was, for that would be more lenient than what was measured with
/// many.
///
/// in:  `person_pair_count` how many pairs of a stranger and a person are behind the line: photos
/// of
///      one pair are no new evidence. Thresholds of rates with fewer than ten errors expected of
///      them are extrapolated; `ambiguity_margin` as measured with the head
[[nodiscard]] face::Calibration calibration_of_head(const face::Calibration& base,
                                                    const StrangerLine& line,
                                                    int64_t person_pair_count,
                                                    double ambiguity_margin,
                                                    const face::ModelId& head);

}  // namespace faceforge::gallery
