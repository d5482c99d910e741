#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/stat.h>

#include "base/result.h"
#include "dataset/rename_plan.h"

namespace faceforge::dataset {

/// A person's folder, held open: whatever its path comes to lead to meanwhile, files are looked at
/// and renamed in this one folder only.
class PhotoFolder {
 public:
  /// in:    `name` of one folder below `people`, never a path
  /// fails: as file_error; a symbolic link is not followed
  [[nodiscard]] static Result<PhotoFolder> open(const std::filesystem::path& people,
                                                const std::string& name);

  /// The state of an entry itself; nothing when there is none.
  [[nodiscard]] std::optional<struct stat> status_of(const std::string& name) const;

  /// Renames an entry unless the new name exists.
  ///
  /// fails: already_exists/name_taken; as file_error. On a file system without such a rename (NFS)
  ///        it looks first, and a file that appears in between would be replaced.
  [[nodiscard]] Result<void> move(const std::string& from, const std::string& to) const;

  /// Brings what was renamed to the disk.
  ///
  /// fails: as file_error
  [[nodiscard]] Result<void> flush() const;

  ~PhotoFolder();
  PhotoFolder(PhotoFolder&& other) noexcept;
  PhotoFolder(const PhotoFolder&) = delete;
  PhotoFolder& operator=(const PhotoFolder&) = delete;
  PhotoFolder& operator=(PhotoFolder&&) = delete;

 private:
  PhotoFolder(std::filesystem::path path, int descriptor);

  std::filesystem::path path_;
  int descriptor_;
};

[[nodiscard]] FileMark mark_of(const struct stat& status);

/// The form in which names collide on file systems that fold case and compose letters.
[[nodiscard]] std::string collision_form(const std::string& name);

}  // namespace faceforge::dataset
