#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packs/registry.h"

namespace faceforge::packs {

/// A known pack that is not on this machine, and how it comes here.
struct Suggestion {
  Card card;
  std::string command;  ///< what to run on the server
  std::string note;     ///< what to know first, one line
};

struct Recommendation {
  std::string in_use;                   ///< the id of the pack in use
  std::string summary;                  ///< what the first of `suggestions` would add, one line
  std::vector<Suggestion> suggestions;  ///< permissive first; then the best download
};

/// Says which known pack would do clearly better than the one in use: at most two thirds of its
/// errors, as their cards have measured both.
///
/// in:  `entries` as Registry::list gives them; `in_use` the id of one of them
/// out: nothing where no such pack has a permissive licence, where a usable pack of this machine is
///      preferred to the one in use already, or where nobody measured the one in use or its parent
[[nodiscard]] std::optional<Recommendation> recommend(std::span<const PackEntry> entries,
                                                      std::string_view in_use);

}  // namespace faceforge::packs
