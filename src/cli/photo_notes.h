#pragma once

#include <string>
#include <vector>

namespace faceforge::cli {

/// Tells beside the results which photos could not be used, a line each.
void note_photos(const std::vector<std::string>& photos);

}  // namespace faceforge::cli
