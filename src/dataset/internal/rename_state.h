#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "dataset/internal/rename_journal.h"

namespace faceforge::dataset {

/// Where the runs on a folder of people keep their journals: `DIR/.faceforge-rename/`, held by one
/// process at a time. The hold ends with the scope, and with the process however it ends.
class RenameState {
 public:
  /// Whether a run has ever changed something in this folder.
  [[nodiscard]] static bool exists(const std::filesystem::path& people);

  /// Takes hold of the state, and makes its folder where it is missing.
  ///
  /// fails: busy/rename_in_progress when another holds it; invalid_input/not_a_folder when
  ///        something else, or a symbolic link, has its name; corrupt/rename_journal_damaged for
  ///        anything but files in it; as make_private_folder
  [[nodiscard]] static Result<RenameState> take(const std::filesystem::path& people);

  /// The journal of a run that has not ended.
  ///
  /// out:   nothing when the last one has
  /// fails: as read_text_file and parse_rename_journal
  [[nodiscard]] Result<std::optional<RenameJournal>> unfinished() const;

  /// The numbers of the runs that can be undone, rising.
  [[nodiscard]] Result<std::vector<uint64_t>> undoable() const;
  [[nodiscard]] Result<RenameJournal> undoable(uint64_t number) const;

  [[nodiscard]] std::filesystem::path running_file() const;
  [[nodiscard]] std::filesystem::path undo_file(uint64_t number) const;

 private:
  RenameState(std::filesystem::path folder, FileLock lock);

  std::filesystem::path folder_;
  FileLock lock_;
};

}  // namespace faceforge::dataset
