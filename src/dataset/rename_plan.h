#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

/// Photos of one folder whose names can be told apart and undone in one run.
inline constexpr size_t kMaxRenameCount = 5'000'000;

/// By what a file is known again after it was renamed: neither changes with its name.
struct FileMark {
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;

  friend bool operator==(const FileMark&, const FileMark&) = default;
};

/// One photo's old and new name, within its folder.
struct Move {
  std::string from;
  std::string to;
  FileMark mark;
};

/// What becomes of the photos of one person.
struct FolderMoves {
  std::string folder;  ///< the person's, directly below the folder of people
  std::vector<Move> moves;
};

/// Why something keeps its name.
enum class LeftAlone {
  Hidden,            ///< its name begins with a dot
  SymbolicLink,      ///< neither followed nor renamed
  Nested,            ///< a folder within a person's: what lies deeper belongs to nobody
  OutsideOfAPerson,  ///< a photo beside the people's folders
  NoPhoto,           ///< its ending is none of a photo
};

/// `hidden`, `symbolic_link`, `nested_folder`, `outside_of_a_person`, `no_photo`
[[nodiscard]] std::string_view to_string(LeftAlone reason);

struct LeftAloneFile {
  std::string path;  ///< below the folder of people
  LeftAlone reason = LeftAlone::NoPhoto;
};

struct RenamePlan {
  std::vector<FolderMoves> folders;  ///< only those with photos to rename, in natural order
  size_t named_right_count = 0;
  std::vector<LeftAloneFile> left_alone;
  std::vector<Skipped> skipped;  ///< people whose photos cannot be renamed, and why
};

/// Says how the photos of a folder of people are to be named: `PERSON/PERSON_1.jpg` and so on, or
/// `PERSON/PREFIX_1.jpg`.
///
/// Within a person, photos that are named right keep their names (the same number twice, with two
/// endings, counts once), and the others get the numbers after the highest of them, in natural
/// order, from 1 where there is none. The ending stays, in lower case. The person's name is used
/// byte by byte as the folder has it, so in its form of Unicode. A number whose name is taken by
/// what is left alone is passed over, also where they differ only in case or form.
///
/// A photo that still bears a name in between, where no journal tells of it any more (its folder
/// had gone when the run was finished), is one to rename.
///
/// in:    `prefix` good as check_prefix says (a CHECK)
/// out:   skipped: forbidden/file_not_writable or file_error for a folder that cannot be read or
///        written to; invalid_input/name_too_long where new names would be longer than a file's
///        name may be
/// fails: as file_error when `people` cannot be read; not_found/no_people without a folder in it;
///        too_large/too_many_photos for more than kMaxRenameCount
[[nodiscard]] Result<RenamePlan> plan_renames(const std::filesystem::path& people,
                                              const std::optional<std::string>& prefix);

/// fails: invalid_input/prefix_invalid for a prefix that no file's name can begin with: empty, over
///        200 bytes, no UTF-8, hidden (a dot first), or with a slash or a control character
[[nodiscard]] Result<void> check_prefix(std::string_view prefix);

}  // namespace faceforge::dataset
