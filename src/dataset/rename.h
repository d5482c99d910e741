#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/rename_plan.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

struct RenameOptions {
  std::optional<std::string> prefix = {};  ///< instead of the person's name
  bool dry_run = false;                    ///< say what would be done, and change nothing
  std::function<void(size_t done_count, size_t total_count)> report = {};
  std::stop_token stop = {};
};

/// A photo's names before and after, below the folder of people.
struct RenamedPhoto {
  std::string from;
  std::string to;
};

struct RenameReport {
  std::vector<RenamedPhoto> renamed;  ///< or would be, in a dry run
  size_t resumed_count = 0;           ///< of these, how many a run that was broken off had begun
  size_t named_right_count = 0;
  std::vector<LeftAloneFile> left_alone;
  std::vector<Skipped> skipped;  ///< photos and people that could not be renamed, and why
  bool was_stopped = false;      ///< asked to stop: the photos that are left keep their names
};

/// Names the photos of a folder of people after them, as plan_renames says.
///
/// Two steps a photo, to a hidden name and from there, so that neither cycles nor names that only
/// differ in case are in the way; never over another file. Before the first step all of them are
/// written to `DIR/.faceforge-rename/running`: whenever the program or the machine stops, every
/// photo is there under its old, its new or a hidden name, and the next call finishes what was
/// begun before it plans anything. What was done is kept there for `undo_renames`. A stop is heeded
/// between two people.
///
/// fails:  as check_prefix and plan_renames; busy/rename_in_progress;
/// corrupt/rename_journal_damaged;
///         forbidden/file_not_writable, exhausted/disk_full or internal/file_error for the journal.
///         A photo that cannot be renamed is skipped: already_exists/name_taken,
///         conflict/photo_changed, or as file_error.
/// source: roll forward from a journal of intentions (Gray and Reuter 1993, section 10.3), with the
///         files' own names as the log of what was done
[[nodiscard]] Result<RenameReport> rename_photos(const std::filesystem::path& people,
                                                 const RenameOptions& options);

/// Gives the photos of the last run their old names back; the run before that comes next. A run
/// that was broken off is finished first; an undo that was broken off is finished, and that is all.
///
/// out:    skipped: conflict/photo_changed for a photo that was changed, moved or removed since,
///         which is out of reach for good; already_exists/name_taken where the old name is another
///         file's now, and as file_error: these stay to be undone
/// fails:  as rename_photos; not_found/nothing_to_undo
[[nodiscard]] Result<RenameReport> undo_renames(const std::filesystem::path& people,
                                                const RenameOptions& options);

}  // namespace faceforge::dataset
