#include "dataset/internal/folder_changes.h"

#include <cerrno>

#include <unistd.h>

#include "base/file.h"

namespace faceforge::dataset {

Result<void> FolderChanges::move(const PhotoFolder& folder, const std::string& from,
                                 const std::string& to) {
  return folder.move(from, to);
}

Result<void> FolderChanges::flush(const PhotoFolder& folder) {
  return folder.flush();
}

Result<void> FolderChanges::write(const std::filesystem::path& file, std::string_view contents) {
  return write_file_atomically(file, contents);
}

Result<void> FolderChanges::remove(const std::filesystem::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
    return Unexpected(file_error(errno, "remove", file));
  }
  return flush_folder(file.parent_path());
}

}  // namespace faceforge::dataset
