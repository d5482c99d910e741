#include "store/blob_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/sha256.h"

namespace faceforge::store {
namespace {

namespace fs = std::filesystem;

constexpr auto kHoldsFolder = ".holds";
constexpr auto kMarkFile = ".database";
constexpr size_t kMaxMark_bytes = 100;
constexpr auto kUnfinishedPrefix = ".writing-";  // as write_file_atomically names them
constexpr int64_t kHoldFileCount = 64;           // accounts share them, so that they need no end
constexpr std::chrono::milliseconds kHoldPoll{2};

Unexpected failed(int error_number, std::string_view action, const fs::path& path) {
  return Unexpected(file_error(error_number, action, path));
}

// The entries of a folder; none when it is not there.
Result<std::vector<fs::path>> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) found.push_back(at->path());
  if (error && error != std::errc::no_such_file_or_directory) {
    return failed(error.value(), "list", folder);
  }
  return found;
}

std::optional<UserId> account_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  int64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return UserId(id);
}

fs::path account_folder(const fs::path& folder, UserId account) {
  return folder / std::to_string(account.value());
}

// In subfolders by the first two digits, so that no folder has too many entries.
fs::path blob_folder(const fs::path& folder, UserId account, const BlobName& name) {
  return account_folder(folder, account) / name.text().substr(0, 2);
}

fs::path blob_path(const fs::path& folder, UserId account, const BlobName& name) {
  return blob_folder(folder, account, name) / name.text();
}

// Takes a lock of the file unless someone else's is in the way until `give_up_at`.
Result<FileHold> lock_file(const fs::path& file, Purpose purpose,
                           std::chrono::steady_clock::time_point give_up_at) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return failed(errno, "open", file);
  FileHold hold(descriptor);
  const int wanted = purpose == Purpose::Adding ? LOCK_SH : LOCK_EX;
  while (::flock(descriptor, wanted | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed(errno, "lock", file);
    if (std::chrono::steady_clock::now() >= give_up_at) {
      return fail(ErrorCode::Busy, "account_files_busy",
                  "the account's files are being changed by others; try again");
    }
    std::this_thread::sleep_for(kHoldPoll);
  }
  return hold;
}

Result<FileHold> hold_until(const fs::path& folder, UserId account, Purpose purpose,
                            std::chrono::steady_clock::time_point give_up_at) {
  const fs::path file = folder / kHoldsFolder / std::to_string(account.value() % kHoldFileCount);
  // Everyone passes the gate, and whoever wants to remove keeps it while waiting: those who add one
  // after another could otherwise keep it waiting for ever.
  const FileHold gate = TRY(lock_file(file.string() + ".gate", purpose, give_up_at));
  return lock_file(file, purpose, give_up_at);
}

// Removes what an interrupted write of this account has left. Skipped while someone writes.
Result<void> remove_unfinished(const fs::path& folder, UserId account) {
  const auto hold =
      hold_until(folder, account, Purpose::Removing, std::chrono::steady_clock::now());
  if (!hold) return {};
  for (const fs::path& subfolder : TRY(entries(account_folder(folder, account)))) {
    for (const fs::path& file : TRY(entries(subfolder))) {
      if (!file.filename().string().starts_with(kUnfinishedPrefix)) continue;
      if (::unlink(file.c_str()) != 0 && errno != ENOENT) return failed(errno, "remove", file);
    }
  }
  return {};
}

}  // namespace

Result<BlobName> BlobName::parse(std::string_view text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 2 * sizeof(Sha256) || !std::ranges::all_of(text, is_digit)) {
    return fail(ErrorCode::InvalidInput, "blob_name",
                "a blob's name is 64 lower-case hexadecimal digits, not {} characters",
                text.size());
  }
  return BlobName(std::string(text));
}

BlobName BlobName::of(std::span<const std::byte> bytes) {
  return BlobName(to_hex(sha256(bytes)));
}

FileHold::~FileHold() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<BlobFiles> BlobFiles::open(const fs::path& folder) {
  BlobFiles files(fs::absolute(folder));
  TRY(make_private_folder(files.folder_));
  TRY(make_private_folder(files.folder_ / kHoldsFolder));
  if (::faccessat(AT_FDCWD, files.folder_.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return failed(errno, "write to", files.folder_);
  }
  for (const UserId account : TRY(files.accounts())) {
    TRY(remove_unfinished(files.folder_, account));
  }
  return files;
}

Result<FileHold> BlobFiles::hold(UserId account, Purpose purpose) const {
  return hold_until(folder_, account, purpose, std::chrono::steady_clock::now() + kHoldWait);
}

Result<FileHold> BlobFiles::hold_now(UserId account, Purpose purpose) const {
  return hold_until(folder_, account, purpose, std::chrono::steady_clock::now());
}

Result<PutBlob> BlobFiles::put(UserId account, std::span<const std::byte> bytes) const {
  const BlobName name = BlobName::of(bytes);
  // Read rather than only looked for: a damaged file is replaced.
  if (const auto present = get(account, name, bytes.size()); present) {
    TRY(flush_folder(blob_folder(folder_, account, name)));
    return PutBlob{name, Written::AlreadyThere};
  }
  TRY(make_private_folder(account_folder(folder_, account)));
  TRY(make_private_folder(blob_folder(folder_, account, name)));
  TRY(write_file_atomically(blob_path(folder_, account, name), bytes));
  return PutBlob{name, Written::New};
}

Result<Blob> BlobFiles::get(UserId account, const BlobName& name, size_t limit_bytes) const {
  auto bytes = read_file(blob_path(folder_, account, name), limit_bytes);
  if (!bytes) {
    Error error = std::move(bytes).error();
    if (error.code == ErrorCode::NotFound) error.reason = "blob_not_found";
    if (error.code == ErrorCode::TooLarge) error.reason = "blob_too_large";
    return Unexpected(std::move(error));
  }
  if (BlobName::of(*bytes) != name) {
    return fail(
        ErrorCode::Corrupt, "blob_corrupt",
        "the file {} does not have the content that its name says; restore it from a backup",
        blob_path(folder_, account, name).string());
  }
  return *std::move(bytes);
}

Result<void> BlobFiles::remove(UserId account, const BlobName& name) const {
  const fs::path path = blob_path(folder_, account, name);
  if (::unlink(path.c_str()) == 0) return flush_folder(path.parent_path());
  if (errno == ENOENT) return {};
  return failed(errno, "remove", path);
}

Result<std::vector<BlobName>> BlobFiles::list(UserId account) const {
  std::vector<BlobName> names;
  for (const fs::path& subfolder : TRY(entries(account_folder(folder_, account)))) {
    for (const fs::path& file : TRY(entries(subfolder))) {
      if (auto name = BlobName::parse(file.filename().string())) names.push_back(*std::move(name));
    }
  }
  std::ranges::sort(names);
  return names;
}

Result<std::vector<UserId>> BlobFiles::accounts() const {
  std::vector<UserId> accounts;
  for (const fs::path& folder : TRY(entries(folder_))) {
    if (const auto account = account_of(folder)) accounts.push_back(*account);
  }
  std::ranges::sort(accounts);
  return accounts;
}

Result<void> BlobFiles::remove_account(UserId account) const {
  const fs::path folder = account_folder(folder_, account);
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return failed(error.value(), "remove", folder);
  return flush_folder(folder_);
}

Result<std::optional<std::string>> BlobFiles::mark() const {
  auto text = read_text_file(folder_ / kMarkFile, kMaxMark_bytes);
  if (text) return *std::move(text);
  if (text.error().code == ErrorCode::NotFound) return std::nullopt;
  return Unexpected(std::move(text).error());
}

Result<void> BlobFiles::set_mark(std::string_view mark) const {
  return write_file_atomically(folder_ / kMarkFile, mark);
}

}  // namespace faceforge::store
