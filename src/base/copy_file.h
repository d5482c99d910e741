#pragma once

#include <filesystem>

#include "base/result.h"

namespace faceforge {

/// Copies a regular file's contents to a new or replaced file, as `write_file_atomically` does.
///
/// fails: not_found/file_not_found, forbidden/file_not_readable, internal/file_error or
///        invalid_input/not_a_file for the source; as write_file_atomically, so that a full disk is
///        told as one (the standard library's copy tells some as an input/output error)
[[nodiscard]] Result<void> copy_file_atomically(const std::filesystem::path& from,
                                                const std::filesystem::path& to);

}  // namespace faceforge
