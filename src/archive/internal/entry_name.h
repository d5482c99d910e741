#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace faceforge::archive::internal {

/// Judges whether a name from a zip stays inside of the folder that it is unpacked into, on every
/// system, and can be shown to people. A folder's name ends with `/`.
///
/// fails: invalid_input/zip_unsafe_name, saying what is wrong with it
[[nodiscard]] Result<void> check_entry_name(std::string_view name);

/// Judges whether all these files can exist side by side on a system that ignores letter case.
///
/// fails: invalid_input/zip_duplicate_name, also for a file that is the folder of another
[[nodiscard]] Result<void> check_no_duplicates(std::span<const std::string_view> names);

}  // namespace faceforge::archive::internal
