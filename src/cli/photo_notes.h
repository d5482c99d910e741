#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace faceforge::cli {

/// Tells beside the results which photos could not be used, a line each.
void note_photos(const std::vector<std::string>& photos);

/// Names of photos as they stand in JSON.
[[nodiscard]] json::array names_json(const std::vector<std::string>& names);

}  // namespace faceforge::cli
