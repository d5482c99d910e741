#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::cli {

inline constexpr size_t kPhotoLimit = 10'000'000;

/// The photos that a command line names: files as they are, whatever their kind, and of folders
/// every file with an image's ending, in subfolders too, by name. Hidden files and folders and
/// links to folders are not followed. What does not exist stays in the list, and fails when it is
/// read.
///
/// fails: invalid_input/folder_without_photos; too_large/too_many_photos; forbidden/... or
///        internal/file_error when a folder cannot be read
[[nodiscard]] Result<std::vector<std::filesystem::path>> list_photos(
    std::span<const std::string> arguments);

}  // namespace faceforge::cli
