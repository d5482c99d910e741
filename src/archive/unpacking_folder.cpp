#include "archive/internal/unpacking_folder.h"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include "base/file.h"

namespace faceforge::archive::internal {
namespace {

namespace fs = std::filesystem;

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Unexpected folder_exists(const fs::path& destination) {
  return fail(ErrorCode::AlreadyExists, "folder_exists", "{} exists already", destination.string());
}

}  // namespace

Result<UnpackingFolder> UnpackingFolder::create_for(const fs::path& destination) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(destination, ignored))) return folder_exists(destination);
  auto folder = TRY(ScratchFolder::create_in(parent_of(destination), ".unpacking-"));
  return UnpackingFolder(std::move(folder));
}

Result<void> UnpackingFolder::put_in_place(const fs::path& part, const fs::path& destination) {
  if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, destination.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return folder_exists(destination);
    return Unexpected(file_error(errno, "create", destination));
  }
  if (part == folder_.path()) folder_.release();
  return flush_folder(parent_of(destination));
}

}  // namespace faceforge::archive::internal
