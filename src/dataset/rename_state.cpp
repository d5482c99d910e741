#include "dataset/internal/rename_state.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderName = ".faceforge-rename";
constexpr const char* kLockName = "lock";
constexpr const char* kRunningName = "running";
constexpr std::string_view kUndoPrefix = "undo-";
constexpr size_t kMaxJournalBytes = size_t{4} << 30;

Result<RenameJournal> read_journal(const fs::path& file) {
  const std::string bytes = TRY(read_text_file(file, kMaxJournalBytes));
  auto journal = parse_rename_journal(bytes);
  if (!journal) journal.error().message = file.string() + ": " + journal.error().message;
  return journal;
}

/// The folder may have come with photos from somebody else: a journal that is a link would be
/// written through it.
///
/// fails: corrupt/rename_journal_damaged; as file_error
Result<void> check_only_files(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->symlink_status(ignored).type() == fs::file_type::regular) continue;
    return fail(ErrorCode::Corrupt, "rename_journal_damaged",
                "{} is no regular file, and so no journal of a rename", it->path().string());
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder));
  return {};
}

}  // namespace

bool RenameState::exists(const fs::path& people) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(people / kFolderName, ignored));
}

Result<RenameState> RenameState::take(const fs::path& people) {
  const fs::path folder = people / kFolderName;
  std::error_code ignored;
  const auto type = fs::symlink_status(folder, ignored).type();
  if (type != fs::file_type::not_found && type != fs::file_type::directory) {
    return fail(ErrorCode::InvalidInput, "not_a_folder",
                "{} is no folder: journals of renames are kept there", folder.string());
  }
  TRY(make_private_folder(folder));
  TRY(check_only_files(folder));
  auto lock = TRY(FileLock::try_take(folder / kLockName));
  if (lock) return RenameState(folder, *std::move(lock));
  return fail(ErrorCode::Busy, "rename_in_progress",
              "another process is renaming the photos in {}: try again when it is done",
              people.string());
}

Result<std::optional<RenameJournal>> RenameState::unfinished() const {
  std::error_code ignored;
  if (!fs::exists(running_file(), ignored)) return std::nullopt;
  RenameJournal journal = TRY(read_journal(running_file()));
  return journal;
}

Result<std::vector<uint64_t>> RenameState::undoable() const {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kUndoPrefix)) continue;
    uint64_t number = 0;
    const char* const last = name.data() + name.size();
    const auto [read_to, failed] = std::from_chars(name.data() + kUndoPrefix.size(), last, number);
    if (failed == std::errc() && read_to == last) numbers.push_back(number);
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder_));
  std::ranges::sort(numbers);
  return numbers;
}

Result<RenameJournal> RenameState::undoable(uint64_t number) const {
  return read_journal(undo_file(number));
}

fs::path RenameState::running_file() const {
  return folder_ / kRunningName;
}

fs::path RenameState::undo_file(uint64_t number) const {
  return folder_ / fmt::format("{}{}", kUndoPrefix, number);
}

RenameState::RenameState(fs::path folder, FileLock lock)
    : folder_(std::move(folder)), lock_(std::move(lock)) {}

}  // namespace faceforge::dataset
