#include "archive/tar.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/internal/entry_name.h"
#include "archive/internal/unpacking_folder.h"
#include "base/file.h"

namespace faceforge::archive {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;
using ArchiveHandle = struct ::archive;

constexpr std::string_view kKind = "tar";
constexpr size_t kBlock_bytes = 256 * 1024;
constexpr uint64_t kRatioMatters_bytes = 1 << 20;

struct FreeReader {
  void operator()(ArchiveHandle* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<ArchiveHandle, FreeReader>;

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Unexpected damaged(ArchiveHandle* reader) {
  const char* words = archive_error_string(reader);
  return fail(ErrorCode::Corrupt, "tar_damaged", "the tar file is cut short or damaged ({})",
              words == nullptr ? "unknown" : words);
}

Unexpected not_a_tar() {
  return fail(ErrorCode::InvalidInput, "not_a_tar", "this is no tar file, or there is none in it");
}

/// fails: exhausted/out_of_memory
Result<Reader> new_reader() {
  Reader reader(archive_read_new());
  // Only what is asked for: each format is a parser that foreign bytes reach.
  const bool is_ready = reader && archive_read_support_format_tar(reader.get()) == ARCHIVE_OK &&
                        archive_read_support_filter_gzip(reader.get()) == ARCHIVE_OK;
  if (is_ready) return reader;
  return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for the tar file");
}

/// The name without `./` at its beginning, which tar writes for `tar -C DIR .`
std::string_view plain_name(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

/// One call of extract_tar.
class Unpacking {
 public:
  Unpacking(ArchiveHandle* reader, uint64_t packed_bytes, const fs::path& folder,
            const TarOptions& options)
      : reader_(reader), packed_bytes_(packed_bytes), folder_(folder), options_(options) {}

  Result<void> unpack_all() {
    while (true) {
      if (options_.stop.stop_requested()) {
        return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} entries", entry_count_);
      }
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(reader_, &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return no_header();
      TRY(unpack_entry(entry));
      if (options_.report) options_.report(read_bytes(), packed_bytes_);
    }
    if (files_.empty()) return not_a_tar();
    std::vector<std::string_view> names(files_.begin(), files_.end());
    return internal::check_no_duplicates(names, kKind);
  }

 private:
  [[nodiscard]] Unexpected no_header() const {
    return entry_count_ == 0 ? not_a_tar() : damaged(reader_);
  }

  [[nodiscard]] uint64_t read_bytes() const {
    return static_cast<uint64_t>(std::max<la_int64_t>(0, archive_filter_bytes(reader_, -1)));
  }

  Result<void> unpack_entry(archive_entry* entry) {
    if (++entry_count_ > options_.limits.entries) {
      return fail(ErrorCode::TooLarge, "tar_too_many_entries",
                  "the tar file has more than {} entries, which is the limit",
                  options_.limits.entries);
    }
    const char* const stored_name = archive_entry_pathname(entry);
    const std::string name(plain_name(stored_name == nullptr ? "" : stored_name));
    const auto kind = archive_entry_filetype(entry);
    if (kind == AE_IFDIR && (name.empty() || name == ".")) return {};
    TRY(internal::check_entry_name(name, kKind));
    if (kind == AE_IFDIR) return {};  // its files' names say it
    if (kind != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      return fail(ErrorCode::InvalidInput, "tar_not_a_file",
                  "`{}` is a link or a device; only files and folders are unpacked", name);
    }
    TRY(write_file(folder_ / name));
    files_.push_back(name);
    return {};
  }

  Result<void> write_file(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return Unexpected(file_error(error.value(), "create", path.parent_path()));
    const OpenFile file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0 && errno == EEXIST) {
      return fail(ErrorCode::InvalidInput, "tar_duplicate_name", "`{}` is in the tar file twice",
                  path.lexically_relative(folder_).string());
    }
    if (file.get() < 0) return Unexpected(file_error(errno, "write", path));
    std::vector<std::byte> block(kBlock_bytes);
    while (true) {
      const la_ssize_t got = archive_read_data(reader_, block.data(), block.size());
      if (got < 0) return damaged(reader_);
      if (got == 0) return {};
      const auto piece = Bytes(block).first(static_cast<size_t>(got));
      TRY(count(piece.size()));
      TRY(write(file.get(), piece, path));
    }
  }

  /// fails: too_large/tar_too_large, tar_ratio_too_high
  Result<void> count(size_t bytes) {
    unpacked_bytes_ += bytes;
    if (unpacked_bytes_ > options_.limits.total_bytes) {
      return fail(ErrorCode::TooLarge, "tar_too_large",
                  "the tar file holds more than {} bytes, which is the limit",
                  options_.limits.total_bytes);
    }
    const double ratio = static_cast<double>(unpacked_bytes_) /
                         static_cast<double>(std::max<uint64_t>(read_bytes(), 1));
    if (unpacked_bytes_ > kRatioMatters_bytes && ratio > options_.limits.ratio) {
      return fail(ErrorCode::TooLarge, "tar_ratio_too_high",
                  "the tar file grows {:.0f} times; the limit is {:g}", ratio,
                  options_.limits.ratio);
    }
    return {};
  }

  static Result<void> write(int descriptor, Bytes piece, const fs::path& path) {
    while (!piece.empty()) {
      const ssize_t written = ::write(descriptor, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Unexpected(file_error(errno, "write", path));
      piece = piece.subspan(static_cast<size_t>(written));
    }
    return {};
  }

  ArchiveHandle* reader_;
  const uint64_t packed_bytes_;
  const fs::path& folder_;
  const TarOptions& options_;
  std::vector<std::string> files_;
  size_t entry_count_ = 0;
  uint64_t unpacked_bytes_ = 0;
};

/// What is visible in a folder; nothing where it cannot be read.
std::vector<fs::path> visible_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().native().starts_with('.')) entries.push_back(it->path());
  }
  return entries;
}

/// The folder within that holds folders beside each other: one alone that only holds files is not
/// an outer folder.
fs::path without_outer_folders(fs::path folder) {
  const auto is_folder = [](const fs::path& path) { return fs::is_directory(path); };
  while (true) {
    const auto inside = visible_entries(folder);
    if (inside.size() != 1 || !is_folder(inside.front())) return folder;
    if (std::ranges::none_of(visible_entries(inside.front()), is_folder)) return folder;
    folder = inside.front();
  }
}

/// Brings everything of a file system to the disk: ten thousand small files one by one take
/// minutes.
Result<void> flush_file_system(const fs::path& folder) {
  const OpenFile opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return Unexpected(file_error(errno, "open", folder));
  if (::syncfs(opened.get()) != 0) return Unexpected(file_error(errno, "flush", folder));
  return {};
}

/// fails: not_found/file_not_found, forbidden/file_not_readable, internal/file_error
Result<uint64_t> size_of(const fs::path& tar) {
  std::error_code error;
  const uint64_t size = fs::file_size(tar, error);
  if (error) {
    Error failure = file_error(error.value(), "read", tar);
    if (failure.code == ErrorCode::NotFound) failure.reason = "file_not_found";
    return Unexpected(std::move(failure));
  }
  if (::access(tar.c_str(), R_OK) == 0) return size;
  return fail(ErrorCode::Forbidden, "file_not_readable", "{} may not be read", tar.string());
}

}  // namespace

Result<void> extract_tar(const fs::path& tar, const fs::path& destination,
                         const TarOptions& options) {
  const uint64_t packed_bytes = TRY(size_of(tar));
  auto folder = TRY(internal::UnpackingFolder::create_for(destination));
  const Reader reader = TRY(new_reader());
  if (archive_read_open_filename(reader.get(), tar.c_str(), kBlock_bytes) != ARCHIVE_OK) {
    return not_a_tar();  // that it is there and may be read was seen before
  }
  TRY(Unpacking(reader.get(), packed_bytes, folder.path(), options).unpack_all());
  TRY(flush_file_system(folder.path()));
  const fs::path part =
      options.leave_out_outer_folders ? without_outer_folders(folder.path()) : folder.path();
  return folder.put_in_place(part, destination);
}

}  // namespace faceforge::archive
