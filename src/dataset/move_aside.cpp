#include "dataset/move_aside.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy_file.h"
#include "base/file.h"
#include "base/output_folder.h"
#include "dataset/internal/rename_unless_taken.h"

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

bool is_link(const fs::path& path) {
  std::error_code ignored;
  return fs::is_symlink(path, ignored);
}

/// Gives a copy the times and the mode of its photo, by which `rename --undo` knows it again.
Result<void> copy_times_and_mode(const fs::path& from, const fs::path& to) {
  struct stat status {};
  if (::stat(from.c_str(), &status) != 0) return Unexpected(file_error(errno, "read", from));
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  if (::chmod(to.c_str(), status.st_mode & 07777) != 0 ||
      ::utimensat(AT_FDCWD, to.c_str(), times.data(), 0) != 0) {
    return Unexpected(file_error(errno, "set the time of", to));
  }
  return {};
}

/// To another file system: the copy is on the disk before the photo goes.
Result<void> copy_and_remove(const fs::path& from, const fs::path& to) {
  if (is_there(to)) return taken(to);
  TRY(copy_file_atomically(from, to));
  TRY(copy_times_and_mode(from, to));
  if (::unlink(from.c_str()) != 0) return Unexpected(file_error(errno, "remove", from));
  return {};
}

Result<void> move(const fs::path& from, const fs::path& to) {
  if (is_link(from) || is_link(from.parent_path())) {
    return fail(ErrorCode::InvalidInput, "symbolic_link",
                "{} is a symbolic link, or lies in one: what it leads to stays where it is",
                from.string());
  }
  TRY(make_output_folder(to.parent_path()));
  const int error_number = rename_unless_taken(AT_FDCWD, from, AT_FDCWD, to);
  if (error_number == EEXIST) return taken(to);
  if (error_number == EXDEV) return copy_and_remove(from, to);
  if (error_number != 0) return Unexpected(file_error(error_number, "move", from));
  TRY(flush_folder(to.parent_path()));
  return flush_folder(from.parent_path());
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
  TRY(make_output_folder(aside));
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
