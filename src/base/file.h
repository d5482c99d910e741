#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faceforge {

/// Reads a whole file.
///
/// fails: not_found/file_not_found; too_large/file_too_large when it is longer than `limit_bytes`;
///        forbidden/file_not_readable; invalid_input/not_a_file (a folder, a device, a pipe);
///        internal/file_error with the system's words for anything else
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                                       size_t limit_bytes);
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& path,
                                                 size_t limit_bytes);

/// Replaces or creates a file so that, whatever happens (power loss too), `path` holds either all
/// of the old contents or all of the new: written beside it, flushed to the disk, renamed, and the
/// folder flushed. On failure nothing is left behind. Readable and writable by the owner only.
///
/// fails: exhausted/disk_full (or over quota); forbidden/file_not_writable (permissions or a
///        read-only file system); not_found/folder_not_found; internal/file_error for anything else
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path,
                                                 std::span<const std::byte> contents);
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path,
                                                 std::string_view contents);

/// Flushes a folder's entries (what was created, renamed or removed in it) to the disk.
///
/// fails: as write_file_atomically
[[nodiscard]] Result<void> flush_folder(const std::filesystem::path& folder);

/// The Error for a failed system call on `path`: code and reason by `error_number` (an errno), as
/// listed for write_file_atomically, the message naming `action`, the path and the system's words.
[[nodiscard]] Error file_error(int error_number, std::string_view action,
                               const std::filesystem::path& path);

}  // namespace faceforge
