#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/rename_plan.h"

namespace faceforge::dataset {

enum class RenameDirection { Rename, Undo };

/// Everything that a run renames, written down before the first photo is: whoever finds it can tell
/// from the files themselves how far the run came, and finish it.
struct RenameJournal {
  RenameDirection direction = RenameDirection::Rename;
  uint64_t number = 0;  ///< of the run, and for Undo of the run that is undone
  std::string token;    ///< 16 hexadecimal digits, in the names that photos bear between two others
  std::vector<FolderMoves> folders;
};

/// Writes names as they are, whatever their bytes: fields that end with a NUL, which no name has.
[[nodiscard]] std::string to_bytes(const RenameJournal& journal);

/// Reads a journal. It may come with a folder that somebody else made: names that would lead out
/// of the folder are refused.
///
/// fails: corrupt/rename_journal_damaged
[[nodiscard]] Result<RenameJournal> parse_rename_journal(std::string_view bytes);

/// The name that a photo bears between its old and its new one: hidden, so that nothing takes it
/// for a photo of its own, and of this run only.
///
/// in: `move_index` among all moves of the journal
[[nodiscard]] std::string name_between(const RenameJournal& journal, size_t move_index,
                                       const Move& move);

/// Whether a name is one of those, of whatever run.
[[nodiscard]] bool is_name_between(std::string_view name);

}  // namespace faceforge::dataset
