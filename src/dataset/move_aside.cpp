#include "dataset/move_aside.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy_file.h"
#include "base/file.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

Unexpected taken(const fs::path& to) {
  return fail(ErrorCode::AlreadyExists, "name_taken", "{} exists already", to.string());
}

bool is_there(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

/// To another file system: the copy is on the disk before the photo goes.
Result<void> copy_and_remove(const fs::path& from, const fs::path& to) {
  if (is_there(to)) return taken(to);
  TRY(copy_file_atomically(from, to));
  if (::unlink(from.c_str()) != 0) return Unexpected(file_error(errno, "remove", from));
  return {};
}

Result<void> move(const fs::path& from, const fs::path& to) {
  TRY(make_private_folder(to.parent_path()));
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    TRY(flush_folder(to.parent_path()));
    return flush_folder(from.parent_path());
  }
  if (errno == EEXIST) return taken(to);
  // EINVAL: a file system without such a rename.
  if (errno == EXDEV || errno == EINVAL || errno == ENOSYS) return copy_and_remove(from, to);
  return Unexpected(file_error(errno, "move", from));
}

}  // namespace

Result<void> check_outside(const fs::path& output, const fs::path& people) {
  std::error_code ignored;
  const fs::path place = fs::weakly_canonical(fs::absolute(output), ignored);
  const fs::path taken_place = fs::weakly_canonical(fs::absolute(people), ignored);
  const auto [end, rest] = std::ranges::mismatch(taken_place, place);
  // The canonical form of `people/` ends with an empty part.
  if (end != taken_place.end() && !end->empty()) return {};
  return fail(ErrorCode::InvalidInput, "output_among_photos",
              "{} lies in {}: what is written there would be taken for photos of people",
              output.string(), people.string());
}

Result<MoveReport> move_aside(const fs::path& people, const std::vector<std::string>& photos,
                              const fs::path& aside) {
  TRY(check_outside(aside, people));
  TRY(make_private_folder(aside));
  MoveReport report;
  for (const std::string& photo : photos) {
    if (const auto moved = move(people / photo, aside / photo); moved) {
      report.moved.push_back(photo);
    } else {
      report.skipped.push_back({.name = photo, .error = moved.error()});
    }
  }
  return report;
}

}  // namespace faceforge::dataset
