#pragma once

#include <filesystem>

#include "base/result.h"

namespace faceforge {

/// Makes a folder that somebody names for results, as make_private_folder does; one that is there
/// already keeps its mode, which may be a group's.
///
/// fails: as make_private_folder
[[nodiscard]] Result<void> make_output_folder(const std::filesystem::path& folder);

}  // namespace faceforge
