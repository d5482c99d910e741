#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"

namespace faceforge {

/// A file that one holder at a time has locked, until the end of the scope; the system lets go of
/// it however the process ends. The file stays: whoever removed it could lock another one beside
/// somebody who waits for this one.
class FileLock {
 public:
  /// Creates the file where it is missing, for its owner alone; a symbolic link is not followed.
  ///
  /// out:   nothing where another one has it, in this process too
  /// fails: as file_error
  [[nodiscard]] static Result<std::optional<FileLock>> try_take(const std::filesystem::path& file);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace faceforge
