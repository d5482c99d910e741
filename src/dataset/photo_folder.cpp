#include "dataset/internal/photo_folder.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/unicode.h"
#include "dataset/internal/rename_unless_taken.h"

namespace faceforge::dataset {

PhotoFolder::PhotoFolder(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

PhotoFolder::PhotoFolder(PhotoFolder&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

PhotoFolder::~PhotoFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<PhotoFolder> PhotoFolder::open(const std::filesystem::path& people,
                                      const std::string& name) {
  std::filesystem::path path = people / name;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return Unexpected(file_error(errno, "open", path));
  return PhotoFolder(std::move(path), descriptor);
}

std::optional<struct stat> PhotoFolder::status_of(const std::string& name) const {
  struct stat status {};
  if (::fstatat(descriptor_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return status;
}

Result<void> PhotoFolder::move(const std::string& from, const std::string& to) const {
  const int error_number = rename_unless_taken(descriptor_, from, descriptor_, to);
  if (error_number == EEXIST) {
    return fail(ErrorCode::AlreadyExists, "name_taken", "{} exists already", (path_ / to).string());
  }
  if (error_number != 0) return Unexpected(file_error(error_number, "rename", path_ / from));
  return {};
}

Result<void> PhotoFolder::flush() const {
  // EINVAL, ENOTSUP: some shared folders cannot, and so keep nothing back either.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) {
    return Unexpected(file_error(errno, "flush", path_));
  }
  return {};
}

FileMark mark_of(const struct stat& status) {
  constexpr int64_t kNanosecondsASecond = 1'000'000'000;
  return {.size_bytes = static_cast<uint64_t>(status.st_size),
          .modified_ns = status.st_mtim.tv_sec * kNanosecondsASecond + status.st_mtim.tv_nsec};
}

std::string collision_form(const std::string& name) {
  return fold_case(name).value_or(name);
}

}  // namespace faceforge::dataset
