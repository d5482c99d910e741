#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace faceforge {

/// A new folder, closed to other users; with the scope it goes, and all that is in it.
class ScratchFolder {
 public:
  /// in:    `prefix` of its name, which goes on with six letters that make it a new one
  /// fails: as file_error
  [[nodiscard]] static Result<ScratchFolder> create_in(const std::filesystem::path& parent,
                                                       std::string_view prefix);

  /// The same where the system keeps what nobody needs for long: TMPDIR, or /tmp.
  [[nodiscard]] static Result<ScratchFolder> create(std::string_view prefix);

  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Lets go of a folder that was moved to another place.
  void release() { path_.clear(); }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  ///< empty when it was let go of
};

}  // namespace faceforge
