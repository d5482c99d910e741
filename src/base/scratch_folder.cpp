#include "base/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace faceforge {

namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::create_in(const fs::path& parent, std::string_view prefix) {
  std::string pattern = (parent / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return Unexpected(file_error(errno, "make a folder in", parent));
  }
  return ScratchFolder(pattern);
}

Result<ScratchFolder> ScratchFolder::create(std::string_view prefix) {
  std::error_code failed;
  const fs::path parent = fs::temp_directory_path(failed);
  if (failed) return Unexpected(file_error(failed.value(), "make a folder in", parent));
  return create_in(parent, prefix);
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace faceforge
