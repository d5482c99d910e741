#include "dataset/internal/rename_run.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "base/check.h"

namespace faceforge::dataset {
namespace {

/// Where a photo is found on its way.
enum class Place { Old, Between, New, Nowhere };

std::optional<struct stat> marked_file(const PhotoFolder& folder, const std::string& name,
                                       const FileMark& mark) {
  auto status = folder.status_of(name);
  if (status && (!S_ISREG(status->st_mode) || mark_of(*status) != mark)) status.reset();
  return status;
}

/// in: `between` is a name of this run only, so that whatever bears it is the photo
Place place_of(const PhotoFolder& folder, const Move& move, const std::string& between) {
  if (folder.status_of(between)) return Place::Between;
  // With both there, either the file system takes the two names for one (they differ in case), or
  // the new name is another file's: the photo stays or gets its old name back.
  if (marked_file(folder, move.from, move.mark)) return Place::Old;
  return marked_file(folder, move.to, move.mark) ? Place::New : Place::Nowhere;
}

/// Renames the photos of one person, from wherever an earlier run left them.
class FolderRun {
 public:
  FolderRun(const RenameJournal& journal, const FolderMoves& moves, const PhotoFolder& folder,
            FolderChanges& changes, RenameReport& report)
      : journal_(journal), moves_(moves), folder_(folder), changes_(changes), report_(report) {}

  /// in:    `first_index` of the folder's moves among those of the journal
  /// fails: as FolderChanges::flush
  Result<void> run(size_t first_index) {
    std::vector<Place> places;
    for (size_t i = 0; i < moves_.moves.size(); ++i) {
      const Move& move = moves_.moves[i];
      places.push_back(to_between(move, name_between(journal_, first_index + i, move)));
    }
    for (size_t i = 0; i < moves_.moves.size(); ++i) {
      const Move& move = moves_.moves[i];
      if (places[i] == Place::Between) {
        places[i] = from_between(move, name_between(journal_, first_index + i, move));
      }
      if (places[i] != Place::New) continue;
      report_.renamed.push_back({path_of(move.from), path_of(move.to)});
    }
    return changes_.flush(folder_);
  }

 private:
  Place to_between(const Move& move, const std::string& between) {
    const Place place = place_of(folder_, move, between);
    if (place == Place::Nowhere) {
      skip(move, {ErrorCode::Conflict, "photo_changed",
                  "the photo was changed, moved or removed meanwhile: it keeps its name"});
    }
    if (place != Place::Old) return place;
    const auto moved = changes_.move(folder_, move.from, between);
    if (moved) return Place::Between;
    skip(move, moved.error());
    return Place::Old;
  }

  /// out: New; Old where the new name was not to be had; Between where the old one was not either:
  ///      the next run takes the photo for one to rename
  Place from_between(const Move& move, const std::string& between) {
    const auto moved = changes_.move(folder_, between, move.to);
    if (moved) return Place::New;
    const auto moved_back = changes_.move(folder_, between, move.from);
    skip(move, moved_back ? moved.error() : moved_back.error());
    return moved_back ? Place::Old : Place::Between;
  }

  void skip(const Move& move, Error error) {
    report_.skipped.push_back({.name = path_of(move.from), .error = std::move(error)});
  }

  [[nodiscard]] std::string path_of(const std::string& name) const {
    return moves_.folder + "/" + name;
  }

  const RenameJournal& journal_;
  const FolderMoves& moves_;
  const PhotoFolder& folder_;
  FolderChanges& changes_;
  RenameReport& report_;
};

std::string new_token() {
  std::random_device random;
  const uint64_t high = random();
  return fmt::format("{:016x}", high << 32 | random());
}

/// Those moves of a journal whose photos bear, unchanged, their new names, and whose old ones are
/// worth having back.
std::vector<FolderMoves> moves_in_force(const std::filesystem::path& people,
                                        const std::vector<FolderMoves>& folders) {
  std::vector<FolderMoves> in_force;
  for (const FolderMoves& moves : folders) {
    const auto folder = PhotoFolder::open(people, moves.folder);
    if (!folder) continue;
    FolderMoves kept{.folder = moves.folder, .moves = {}};
    std::ranges::copy_if(moves.moves, std::back_inserter(kept.moves), [&](const Move& move) {
      return !is_name_between(move.from) && marked_file(*folder, move.to, move.mark).has_value();
    });
    if (!kept.moves.empty()) in_force.push_back(std::move(kept));
  }
  return in_force;
}

/// Leaves behind what can be undone of a run, and ends it. Each step may be done again.
Result<void> close_journal(const RenameSite& site, const RenameJournal& journal) {
  RenameJournal left = journal;
  if (journal.direction == RenameDirection::Undo) {
    auto undone = site.state.undoable(journal.number);
    // Gone already where the end of this very undo was broken off.
    if (!undone && undone.error().code != ErrorCode::NotFound) return Unexpected(undone.error());
    left.folders = undone ? std::move(undone->folders) : std::vector<FolderMoves>();
  }
  left.direction = RenameDirection::Rename;
  left.folders = moves_in_force(site.people, left.folders);
  const auto undo_file = site.state.undo_file(journal.number);
  if (left.folders.empty()) {
    TRY(site.changes.remove(undo_file));
  } else {
    TRY(site.changes.write(undo_file, to_bytes(left)));
  }
  return site.changes.remove(site.state.running_file());
}

}  // namespace

Result<void> finish_journal(const RenameSite& site, const RenameJournal& journal,
                            const RenameOptions& options, RenameReport& report) {
  size_t total_count = 0;
  for (const FolderMoves& moves : journal.folders) total_count += moves.moves.size();
  size_t done_count = 0;
  std::optional<Error> out_of_reach;
  for (const FolderMoves& moves : journal.folders) {
    if (options.stop.stop_requested()) {
      report.was_stopped = true;
      break;
    }
    const auto folder = PhotoFolder::open(site.people, moves.folder);
    if (folder) {
      TRY(FolderRun(journal, moves, *folder, site.changes, report).run(done_count));
    } else {
      report.skipped.push_back({.name = moves.folder, .error = folder.error()});
      if (folder.error().code != ErrorCode::NotFound) out_of_reach = folder.error();
    }
    done_count += moves.moves.size();
    if (options.report) options.report(done_count, total_count);
  }
  // Photos of a folder that cannot be opened now may be half way: the journal alone has their
  // names.
  if (out_of_reach) return Unexpected(*std::move(out_of_reach));
  return close_journal(site, journal);
}

Result<void> run_journal(const RenameSite& site, RenameJournal journal,
                         const RenameOptions& options, RenameReport& report) {
  CHECK(journal.token.empty());
  journal.token = new_token();
  TRY(site.changes.write(site.state.running_file(), to_bytes(journal)));
  return finish_journal(site, journal, options, report);
}

}  // namespace faceforge::dataset
