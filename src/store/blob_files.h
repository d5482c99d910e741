#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/owners.h"
#include "store/value.h"

namespace faceforge::store {

/// The name of a blob: the SHA-256 of its bytes as 64 lower-case hex digits.
class BlobName {
 public:
  /// fails: invalid_input/blob_name when it is not 64 lower-case hex digits
  [[nodiscard]] static Result<BlobName> parse(std::string_view text);

  [[nodiscard]] static BlobName of(std::span<const std::byte> bytes);

  [[nodiscard]] const std::string& text() const { return text_; }
  auto operator<=>(const BlobName&) const = default;

 private:
  explicit BlobName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

enum class Written { New, AlreadyThere };

struct PutBlob {
  BlobName name;
  Written written;
};

enum class Purpose { Adding, Removing };

/// An account's files, held until the end of the scope; across threads and processes.
class FileHold {
 public:
  explicit FileHold(int descriptor) : descriptor_(descriptor) {}
  FileHold(FileHold&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHold& operator=(FileHold&&) = delete;
  ~FileHold();

 private:
  int descriptor_;
};

/// Files named by their content, in one folder an account: `FOLDER/ACCOUNT/ab/abcd...`. What `put`
/// has acknowledged survives a power cut, and a crash never leaves half a file under a blob's name.
/// Equal bytes of one account are stored once; accounts never share files. Thread safe, and safe
/// beside other processes. Files have mode 0600, folders 0700.
///
/// A row that names a blob and the file itself are kept in step by order: put the file, then commit
/// the row; delete the row, then remove the file. What a crash leaves behind is a file without a
/// row, which `list` finds and `remove` ends.
class BlobFiles {
 public:
  /// Opens the folder, made when missing, and removes what interrupted writes left behind.
  ///
  /// fails: forbidden/file_not_writable; exhausted/disk_full; internal/file_error
  [[nodiscard]] static Result<BlobFiles> open(const std::filesystem::path& folder);

  /// Waits until no one else's hold is in the way: any number may add at a time, one remove.
  ///
  /// fails: busy/account_files_busy after `kHoldWait`; forbidden/file_not_writable
  [[nodiscard]] Result<FileHold> hold(UserId account, Purpose purpose) const;

  static constexpr std::chrono::seconds kHoldWait{30};

  /// As `hold`, without waiting.
  ///
  /// fails: busy/account_files_busy when someone else's hold is in the way
  [[nodiscard]] Result<FileHold> hold_now(UserId account, Purpose purpose) const;

  /// Stores bytes, durably, and says under which name, and whether they were there before.
  ///
  /// fails: exhausted/disk_full; forbidden/file_not_writable; internal/file_error
  [[nodiscard]] Result<PutBlob> put(UserId account, std::span<const std::byte> bytes) const;

  /// Reads a blob and checks it against its name.
  ///
  /// fails: not_found/blob_not_found; too_large/blob_too_large beyond `limit_bytes`;
  ///        corrupt/blob_corrupt when the content is not what the name says
  [[nodiscard]] Result<Blob> get(UserId account, const BlobName& name, size_t limit_bytes) const;

  /// Removes a blob, durably; nothing happens when it is not there.
  ///
  /// fails: forbidden/file_not_writable; internal/file_error
  [[nodiscard]] Result<void> remove(UserId account, const BlobName& name) const;

  /// Names an account's blobs, sorted; an account without any has an empty list.
  ///
  /// fails: internal/file_error, forbidden/file_not_writable when the folder cannot be read
  [[nodiscard]] Result<std::vector<BlobName>> list(UserId account) const;

  /// Names the accounts that have a folder, sorted.
  [[nodiscard]] Result<std::vector<UserId>> accounts() const;

  /// Removes all files of an account; nothing happens when there are none.
  ///
  /// fails: forbidden/file_not_writable; internal/file_error
  [[nodiscard]] Result<void> remove_account(UserId account) const;

  /// What `set_mark` wrote: which database names these files. Nothing on a fresh folder.
  ///
  /// fails: forbidden/..., internal/file_error; too_large when something else lies there
  [[nodiscard]] Result<std::optional<std::string>> mark() const;

  /// fails: exhausted/disk_full; forbidden/file_not_writable; internal/file_error
  [[nodiscard]] Result<void> set_mark(std::string_view mark) const;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit BlobFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
};

}  // namespace faceforge::store
