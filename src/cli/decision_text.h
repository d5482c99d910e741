#pragma once

#include <string>

#include "gallery/match_policy.h"

namespace faceforge::cli {

/// `match`, `ambiguous`, `unknown` in the colour of its meaning.
[[nodiscard]] std::string verdict_text(gallery::Verdict verdict);

/// `threshold 0.312: one stranger in 10 000 passes`, and whether that was extrapolated.
[[nodiscard]] std::string threshold_text(const gallery::MatchThreshold& threshold);

}  // namespace faceforge::cli
