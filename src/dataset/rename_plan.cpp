#include "dataset/rename_plan.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/unicode.h"
#include "dataset/internal/photo_folder.h"
#include "dataset/internal/rename_journal.h"
#include "dataset/natural_order.h"
#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPrefixBytes = 200;
constexpr size_t kMaxNameBytes = 255;    // of a new name: what every usual file system takes
constexpr size_t kMaxNumberDigits = 15;  // beyond, a name is some other program's
constexpr std::string_view kHiddenBy = ".";

/// The names in a folder in natural order; a link's target is not looked at.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder));
  std::ranges::sort(names, natural_less);
  return names;
}

/// The number N of `STEM_N.ending`, where the name is exactly what a rename would give.
std::optional<uint64_t> number_of(const std::string& name, std::string_view stem) {
  const std::string ending = image::lower_case_ending(name);
  std::string_view rest = name;
  if (!rest.starts_with(stem) || !rest.ends_with(ending)) return std::nullopt;
  rest.remove_prefix(stem.size());
  if (rest.size() < ending.size()) return std::nullopt;
  rest.remove_suffix(ending.size());
  if (!rest.starts_with('_')) return std::nullopt;
  rest.remove_prefix(1);
  if (rest.empty() || rest.size() > kMaxNumberDigits || rest.front() == '0') return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return number;
}

/// What one person's folder holds, and the moves that follow.
class PersonPlan {
 public:
  PersonPlan(std::string folder, std::string stem)
      : stem_(std::move(stem)), moves_{.folder = std::move(folder), .moves = {}} {}

  /// Sorts an entry into what is left alone, named right, or to be renamed.
  void add(const std::string& name, const struct stat& status, RenamePlan& plan) {
    if (const auto reason = reason_to_leave(name, status.st_mode)) {
      plan.left_alone.push_back({moves_.folder + "/" + name, *reason});
      taken_.insert(collision_form(name));
      return;
    }
    const auto number = number_of(name, stem_);
    if (number && numbers_.insert(*number).second) {
      ++plan.named_right_count;
      taken_.insert(collision_form(name));
    } else {
      moves_.moves.push_back({.from = name, .to = {}, .mark = mark_of(status)});
    }
  }

  /// Numbers what is to be renamed.
  ///
  /// fails: invalid_input/name_too_long
  Result<FolderMoves> finish() && {
    uint64_t number = numbers_.empty() ? 0 : *numbers_.rbegin();
    for (Move& move : moves_.moves) {
      const std::string ending = image::lower_case_ending(move.from);
      do {
        move.to = fmt::format("{}_{}{}", stem_, ++number, ending);
      } while (taken_.contains(collision_form(move.to)));
      if (move.to.size() > kMaxNameBytes) {
        return fail(ErrorCode::InvalidInput, "name_too_long",
                    "a photo's new name would have {} bytes; the limit is {}: choose a shorter "
                    "name with --prefix",
                    move.to.size(), kMaxNameBytes);
      }
    }
    return std::move(moves_);
  }

 private:
  static std::optional<LeftAlone> reason_to_leave(const std::string& name, mode_t mode) {
    if (name.starts_with(kHiddenBy) && !is_name_between(name)) return LeftAlone::Hidden;
    if (S_ISLNK(mode)) return LeftAlone::SymbolicLink;
    if (S_ISDIR(mode)) return LeftAlone::Nested;
    if (!S_ISREG(mode) || !image::has_photo_ending(name)) return LeftAlone::NoPhoto;
    return std::nullopt;
  }

  std::string stem_;
  FolderMoves moves_;
  std::set<uint64_t> numbers_;   ///< of photos that are named right
  std::set<std::string> taken_;  ///< names that stay, as they collide
};

/// fails: as names_in, and forbidden/file_not_writable: to rename is to write to the folder
Result<void> add_person(const fs::path& people, const std::string& folder, const std::string& stem,
                        RenamePlan& plan) {
  const PhotoFolder opened = TRY(PhotoFolder::open(people, folder));
  const auto names = TRY(names_in(people / folder));
  PersonPlan person(folder, stem);
  for (const std::string& name : names) {
    const auto status = opened.status_of(name);
    if (status) person.add(name, *status, plan);  // else it has gone since it was listed
  }
  FolderMoves moves = TRY(std::move(person).finish());
  if (moves.moves.empty()) return {};
  if (::faccessat(AT_FDCWD, (people / folder).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return Unexpected(file_error(errno, "rename photos in", people / folder));
  }
  plan.folders.push_back(std::move(moves));
  return {};
}

}  // namespace

std::string_view to_string(LeftAlone reason) {
  switch (reason) {
    case LeftAlone::Hidden:
      return "hidden";
    case LeftAlone::SymbolicLink:
      return "symbolic_link";
    case LeftAlone::Nested:
      return "nested_folder";
    case LeftAlone::OutsideOfAPerson:
      return "outside_of_a_person";
    case LeftAlone::NoPhoto:
      return "no_photo";
  }
  return "";
}

Result<void> check_prefix(std::string_view prefix) {
  bool is_good = !prefix.empty() && prefix.size() <= kMaxPrefixBytes && is_utf8(prefix) &&
                 !prefix.starts_with(kHiddenBy) && !prefix.contains('/');
  for_each_code_point(prefix, [&](char32_t code_point, std::string_view) {
    is_good = is_good && kind_of(code_point) != CharacterKind::Control;
  });
  if (is_good) return {};
  return fail(ErrorCode::InvalidInput, "prefix_invalid",
              "`{}` cannot begin the names of photos: 1 to {} bytes of UTF-8 without slashes and "
              "control characters, no dot first",
              to_valid_utf8(prefix.substr(0, kMaxPrefixBytes)), kMaxPrefixBytes);
}

Result<RenamePlan> plan_renames(const fs::path& people, const std::optional<std::string>& prefix) {
  CHECK(!prefix || check_prefix(*prefix));
  const auto names = TRY(names_in(people));
  RenamePlan plan;
  size_t person_count = 0;
  size_t move_count = 0;
  for (const std::string& name : names) {
    if (name.starts_with(kHiddenBy)) continue;
    std::error_code ignored;
    const auto type = fs::symlink_status(people / name, ignored).type();
    if (type == fs::file_type::symlink) {
      plan.left_alone.push_back({name, LeftAlone::SymbolicLink});
    } else if (type != fs::file_type::directory) {
      plan.left_alone.push_back(
          {name, image::has_photo_ending(name) ? LeftAlone::OutsideOfAPerson : LeftAlone::NoPhoto});
    } else {
      ++person_count;
      const auto added = add_person(people, name, prefix.value_or(name), plan);
      if (!added) plan.skipped.push_back({name, added.error()});
    }
    if (!plan.folders.empty() && plan.folders.back().folder == name) {
      move_count += plan.folders.back().moves.size();
    }
    if (move_count > kMaxRenameCount) {
      return fail(ErrorCode::TooLarge, "too_many_photos",
                  "more than {} photos to rename; take a part of the people", kMaxRenameCount);
    }
  }
  if (person_count == 0) {
    return fail(ErrorCode::NotFound, "no_people",
                "no folders of people in {}: photos are named in DIR/PERSON/PHOTO",
                people.string());
  }
  return plan;
}

}  // namespace faceforge::dataset
