#include "dataset/rename.h"

#include <set>
#include <utility>

#include "base/check.h"
#include "dataset/internal/rename_run.h"

namespace faceforge::dataset {
namespace {

void list_moves(const std::vector<FolderMoves>& folders, RenameReport& report) {
  for (const FolderMoves& moves : folders) {
    for (const Move& move : moves.moves) {
      report.renamed.push_back({moves.folder + "/" + move.from, moves.folder + "/" + move.to});
    }
  }
}

/// Finishes what an earlier run was broken off in, or says what it would be.
///
/// out: whether there was something, and what
Result<std::optional<RenameDirection>> resume(const RenameSite& site, const RenameOptions& options,
                                              RenameReport& report) {
  const auto unfinished = TRY(site.state.unfinished());
  if (!unfinished) return std::nullopt;
  if (options.dry_run) {
    list_moves(unfinished->folders, report);
  } else {
    RenameOptions to_the_end = options;
    to_the_end.stop = {};  // photos may bear names in between: they are not left so
    TRY(finish_journal(site, *unfinished, to_the_end, report));
  }
  report.resumed_count = report.renamed.size();
  return unfinished->direction;
}

void add_plan(RenamePlan& plan, RenameReport& report) {
  report.named_right_count = plan.named_right_count;
  report.left_alone = std::move(plan.left_alone);
  for (Skipped& skipped : plan.skipped) report.skipped.push_back(std::move(skipped));
}

uint64_t next_number(const std::vector<uint64_t>& numbers) {
  return numbers.empty() ? 1 : numbers.back() + 1;
}

/// The way back of a run, as far as it is open; the rest is told.
RenameJournal way_back(const std::filesystem::path& people, const RenameJournal& run,
                       RenameReport& report) {
  RenameJournal journal{
      .direction = RenameDirection::Undo, .number = run.number, .token = {}, .folders = {}};
  for (const FolderMoves& moves : run.folders) {
    const auto folder = PhotoFolder::open(people, moves.folder);
    if (!folder) {
      report.skipped.push_back({.name = moves.folder, .error = folder.error()});
      continue;
    }
    std::set<std::string> moving;  // names that will be free, whatever the file system folds
    for (const Move& move : moves.moves) moving.insert(collision_form(move.to));
    FolderMoves back{.folder = moves.folder, .moves = {}};
    for (const Move& move : moves.moves) {
      const auto skip = [&](Error error) {
        report.skipped.push_back({moves.folder + "/" + move.to, std::move(error)});
      };
      const auto status = folder->status_of(move.to);
      if (!status || mark_of(*status) != move.mark) {
        skip({ErrorCode::Conflict, "photo_changed",
              fmt::format("cannot be `{}` again: it was changed, moved or removed since",
                          move.from)});
      } else if (folder->status_of(move.from) && !moving.contains(collision_form(move.from))) {
        skip({ErrorCode::AlreadyExists, "name_taken",
              fmt::format("cannot be `{}` again: another file has that name now", move.from)});
      } else {
        back.moves.push_back({.from = move.to, .to = move.from, .mark = move.mark});
      }
    }
    if (!back.moves.empty()) journal.folders.push_back(std::move(back));
  }
  return journal;
}

}  // namespace

Result<RenameReport> rename_photos(const std::filesystem::path& people,
                                   const RenameOptions& options) {
  FolderChanges disk;
  return rename_photos(people, options, disk);
}

Result<RenameReport> undo_renames(const std::filesystem::path& people,
                                  const RenameOptions& options) {
  FolderChanges disk;
  return undo_renames(people, options, disk);
}

Result<RenameReport> rename_photos(const std::filesystem::path& people,
                                   const RenameOptions& options, FolderChanges& changes) {
  if (options.prefix) TRY(check_prefix(*options.prefix));
  RenameReport report;
  if (!RenameState::exists(people)) {  // nothing to hold and to finish, and perhaps nothing to do
    RenamePlan plan = TRY(plan_renames(people, options.prefix));
    if (options.dry_run || plan.folders.empty()) {
      list_moves(plan.folders, report);
      add_plan(plan, report);
      return report;
    }
  }
  const RenameState state = TRY(RenameState::take(people));
  const RenameSite site{.people = people, .state = state, .changes = changes};
  const auto resumed = TRY(resume(site, options, report));
  if (resumed && options.dry_run) return report;  // the rest shows when that is done
  RenamePlan plan = TRY(plan_renames(people, options.prefix));
  add_plan(plan, report);
  if (options.dry_run) {
    list_moves(plan.folders, report);
  } else if (!plan.folders.empty()) {
    const auto numbers = TRY(state.undoable());
    RenameJournal journal{.direction = RenameDirection::Rename,
                          .number = next_number(numbers),
                          .token = {},
                          .folders = std::move(plan.folders)};
    TRY(run_journal(site, std::move(journal), options, report));
  }
  return report;
}

Result<RenameReport> undo_renames(const std::filesystem::path& people, const RenameOptions& options,
                                  FolderChanges& changes) {
  const auto nothing = [&] {
    return fail(ErrorCode::NotFound, "nothing_to_undo",
                "no run of `rename` in {} is left to be undone", people.string());
  };
  if (!RenameState::exists(people)) return nothing();
  const RenameState state = TRY(RenameState::take(people));
  const RenameSite site{.people = people, .state = state, .changes = changes};
  RenameReport report;
  const auto resumed = TRY(resume(site, options, report));
  if (resumed && (options.dry_run || *resumed == RenameDirection::Undo)) return report;
  report = {};  // the names that a finished run gave are taken back at once
  const auto numbers = TRY(state.undoable());
  if (numbers.empty()) return nothing();
  const RenameJournal run = TRY(state.undoable(numbers.back()));
  RenameJournal journal = way_back(people, run, report);
  if (options.dry_run) {
    list_moves(journal.folders, report);
  } else {
    TRY(run_journal(site, std::move(journal), options, report));
  }
  return report;
}

}  // namespace faceforge::dataset
