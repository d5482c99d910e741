#pragma once

#include <filesystem>
#include <utility>

#include "base/result.h"
#include "base/scratch_folder.h"

namespace faceforge::archive::internal {

/// A folder that is removed with everything in it unless it was renamed away: what is unpacked
/// appears complete or not at all.
class UnpackingFolder {
 public:
  /// Makes it beside `destination`.
  ///
  /// fails: already_exists/folder_exists; as file_error
  [[nodiscard]] static Result<UnpackingFolder> create_for(const std::filesystem::path& destination);

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

  /// Puts it, or a folder within it, in its place, once.
  ///
  /// fails: already_exists/folder_exists where something of that name exists, even an empty folder;
  ///        as file_error
  [[nodiscard]] Result<void> put_in_place(const std::filesystem::path& part,
                                          const std::filesystem::path& destination);

 private:
  explicit UnpackingFolder(ScratchFolder folder) : folder_(std::move(folder)) {}

  ScratchFolder folder_;
};

}  // namespace faceforge::archive::internal
