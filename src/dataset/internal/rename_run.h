#pragma once

#include <filesystem>

#include "base/result.h"
#include "dataset/internal/folder_changes.h"
#include "dataset/internal/rename_journal.h"
#include "dataset/internal/rename_state.h"
#include "dataset/rename.h"

namespace faceforge::dataset {

/// What a run works on and with.
struct RenameSite {
  const std::filesystem::path& people;
  const RenameState& state;
  FolderChanges& changes;
};

/// Writes a new journal down and carries it out.
///
/// in:    `journal` without a token
/// fails: as rename_photos
[[nodiscard]] Result<void> run_journal(const RenameSite& site, RenameJournal journal,
                                       const RenameOptions& options, RenameReport& report);

/// Carries out what is left of a journal that was written down before, and closes it.
///
/// fails: as rename_photos
[[nodiscard]] Result<void> finish_journal(const RenameSite& site, const RenameJournal& journal,
                                          const RenameOptions& options, RenameReport& report);

/// As rename_photos and undo_renames, on a disk of the caller's.
[[nodiscard]] Result<RenameReport> rename_photos(const std::filesystem::path& people,
                                                 const RenameOptions& options,
                                                 FolderChanges& changes);
[[nodiscard]] Result<RenameReport> undo_renames(const std::filesystem::path& people,
                                                const RenameOptions& options,
                                                FolderChanges& changes);

}  // namespace faceforge::dataset
