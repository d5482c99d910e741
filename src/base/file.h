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

/// Says which file writing to `path` replaces or creates: itself, or what its symbolic link names.
///
/// fails: invalid_input/not_a_file for a folder, a device, a pipe or a socket: to be replaced whole
///        or not at all, a file must be a regular one; not_found/folder_not_found;
///        forbidden/file_not_writable for a link that may not be followed (another user's in /tmp);
///        internal/file_error for anything else
[[nodiscard]] Result<std::filesystem::path> file_to_write(const std::filesystem::path& path);

/// A file that is replaced or created so that, whatever happens (power loss too), its path holds
/// either all of the old contents or all of the new: written beside it, flushed to the disk,
/// renamed, and the folder flushed. Unless that is finished, nothing is left behind. Readable and
/// writable by the owner only. A symbolic link stays, and its target is written.
class AtomicFile {
 public:
  /// fails: as file_to_write; exhausted/disk_full (or over quota); forbidden/file_not_writable
  ///        (permissions or a read-only file system)
  [[nodiscard]] static Result<AtomicFile> create(const std::filesystem::path& path);

  /// Adds to the contents. Fails as `create`; the file is not to be finished then.
  [[nodiscard]] Result<void> write(std::span<const std::byte> contents);

  /// Puts the file in its place, once. Fails as `create`.
  [[nodiscard]] Result<void> finish();

  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile& operator=(AtomicFile&&) = delete;

 private:
  AtomicFile(std::filesystem::path path, std::string temporary, int descriptor);

  std::filesystem::path path_;
  std::string temporary_;  ///< empty when there is none any more
  int descriptor_;
};

/// Replaces or creates a file with these contents as `AtomicFile` does. Fails as it.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path,
                                                 std::span<const std::byte> contents);
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path,
                                                 std::string_view contents);

/// Makes a folder that only its owner may look into (mode 0700), and the missing ones above it
/// likewise. One that is there already and is this user's own is closed to others.
///
/// fails: not_found/not_a_folder when something else has its name; as write_file_atomically
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

/// Flushes a folder's entries (what was created, renamed or removed in it) to the disk.
///
/// fails: as write_file_atomically
[[nodiscard]] Result<void> flush_folder(const std::filesystem::path& folder);

/// The Error for a failed system call on `path`: code and reason by `error_number` (an errno), as
/// listed for write_file_atomically, the message naming `action`, the path and the system's words.
[[nodiscard]] Error file_error(int error_number, std::string_view action,
                               const std::filesystem::path& path);

}  // namespace faceforge
