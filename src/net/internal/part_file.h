#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace faceforge::net::internal {

/// What a server says to tell one state of a file from another (RFC 9110, section 8.8).
struct Validator {
  std::string etag;
  std::string last_modified;

  /// What goes into If-Range: a strong ETag, else the date; nothing when there is neither.
  [[nodiscard]] std::optional<std::string> if_range() const;

  /// False when both name an ETag, or both a date, and these differ.
  [[nodiscard]] bool may_be_same_as(const Validator& other) const;
};

/// The unfinished download beside its destination: `.part` holds the first bytes, `.part.json`
/// whose they are. Locked against a second download into the same place as long as it is open.
class PartFile {
 public:
  /// Opens what an earlier download of the same URL left, or an empty one.
  ///
  /// fails: conflict/download_in_progress; not_found/folder_not_found; exhausted/disk_full;
  ///        forbidden/file_not_writable
  [[nodiscard]] static Result<PartFile> open(const std::filesystem::path& destination,
                                             const std::string& url);

  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  /// How many of these an earlier download had left.
  [[nodiscard]] uint64_t found_bytes() const { return found_bytes_; }
  [[nodiscard]] const Validator& validator() const { return validator_; }

  /// Whether the server can be asked for the rest only.
  [[nodiscard]] bool is_resumable() const;

  /// Forgets all bytes; those that follow are of the file that `validator` names.
  ///
  /// fails: exhausted/disk_full; forbidden/file_not_writable
  [[nodiscard]] Result<void> restart(Validator validator);

  /// fails: exhausted/disk_full; internal/file_error
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);

  /// Hashes all bytes, as hexadecimal.
  [[nodiscard]] Result<std::string> sha256() const;

  /// Flushes, and renames to the destination.
  [[nodiscard]] Result<void> finish();

  /// Removes everything.
  void discard();

 private:
  PartFile(std::filesystem::path destination, int descriptor, std::string url_sha256);

  [[nodiscard]] std::filesystem::path part_path() const;
  [[nodiscard]] std::filesystem::path notes_path() const;
  [[nodiscard]] std::optional<Validator> read_notes() const;

  std::filesystem::path destination_;
  int descriptor_;
  std::string url_sha256_;  // not the URL: it may hold a token
  uint64_t size_bytes_ = 0;
  uint64_t found_bytes_ = 0;
  Validator validator_;
};

}  // namespace faceforge::net::internal
