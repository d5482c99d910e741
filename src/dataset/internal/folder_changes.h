#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dataset/internal/photo_folder.h"

namespace faceforge::dataset {

/// Every step by which a rename changes the disk: the seam at which a test ends a run between any
/// two of them. This is the disk itself.
class FolderChanges {
 public:
  virtual ~FolderChanges() = default;

  /// Fails as PhotoFolder::move.
  [[nodiscard]] virtual Result<void> move(const PhotoFolder& folder, const std::string& from,
                                          const std::string& to);

  /// Fails as PhotoFolder::flush.
  [[nodiscard]] virtual Result<void> flush(const PhotoFolder& folder);

  /// Fails as write_file_atomically.
  [[nodiscard]] virtual Result<void> write(const std::filesystem::path& file,
                                           std::string_view contents);

  /// Removes a file, which may be missing, for good.
  ///
  /// fails: as file_error
  [[nodiscard]] virtual Result<void> remove(const std::filesystem::path& file);
};

}  // namespace faceforge::dataset
