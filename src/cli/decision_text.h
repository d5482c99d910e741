#pragma once

#include <cstddef>
#include <string>

#include "gallery/match_policy.h"

namespace faceforge::cli {

/// `match`, `ambiguous`, `unknown` in the colour of its meaning.
[[nodiscard]] std::string verdict_text(gallery::Verdict verdict);

/// `threshold 0.312: one stranger in 10 000 passes`, and whether that was extrapolated.
[[nodiscard]] std::string threshold_text(const gallery::MatchThreshold& threshold);

/// `threshold 0.412: one stranger in 100 passes for someone of 8 people`, and whether that was
/// extrapolated.
[[nodiscard]] std::string identification_text(const gallery::MatchThreshold& threshold,
                                              double false_positive_identification_rate,
                                              size_t person_count);

}  // namespace faceforge::cli
