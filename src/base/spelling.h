#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faceforge {

/// Those of `known` that a mistyped `word` may have meant, nearest first, at most three: a third of
/// its letters wrong, or a part of it.
///
/// out:    nothing for a word that is empty or longer than 64 bytes
/// source: Levenshtein 1966
[[nodiscard]] std::vector<std::string> near_words(std::string_view word,
                                                  std::span<const std::string> known);

}  // namespace faceforge
