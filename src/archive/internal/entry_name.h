#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace faceforge::archive::internal {

/// Judges whether a name from an archive stays inside of the folder that it is unpacked into, on
/// every system, and can be shown to people. A folder's name ends with `/`.
///
/// in:    `kind` of archive: `zip` or `tar`, with which the reason of a failure begins
/// fails: invalid_input/KIND_unsafe_name, saying what is wrong with it
[[nodiscard]] Result<void> check_entry_name(std::string_view name, std::string_view kind);

/// Judges whether all these files can exist side by side on a system that ignores letter case.
///
/// fails: invalid_input/KIND_duplicate_name, also for a file that is the folder of another
[[nodiscard]] Result<void> check_no_duplicates(std::span<const std::string_view> names,
                                               std::string_view kind);

}  // namespace faceforge::archive::internal
