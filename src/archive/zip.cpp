#include "archive/zip.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "archive/internal/end_record.h"
#include "archive/internal/entry_name.h"
#include "archive/internal/unpacking_folder.h"
#include "base/check.h"
#include "base/file.h"
#include "base/unicode.h"

// Reading goes: judge the end record, for opening reads the whole directory -> open -> list the
// directory and judge all of it -> unpack entry by entry, each held to what the directory said.
// Nothing is unpacked from a zip of which one entry is refused.

namespace faceforge::archive {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

constexpr std::string_view kKind = "zip";
constexpr size_t kChunk_bytes = 256 * 1024;
constexpr uint64_t kRatioMatters_bytes = 1 << 20;

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using ArchivePointer = std::unique_ptr<zip_t, DiscardArchive>;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  ~ZipError() { zip_error_fini(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  [[nodiscard]] zip_error_t* get() { return &error_; }
  [[nodiscard]] int code() const { return zip_error_code_zip(&error_); }
  [[nodiscard]] std::string words() { return zip_error_strerror(&error_); }

 private:
  zip_error_t error_{};
};

Unexpected out_of_memory() {
  return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for the zip file");
}

Unexpected not_a_zip() {
  return fail(ErrorCode::InvalidInput, "not_a_zip", "this is not a zip file");
}

// ---- opening and listing

// Takes `source` over, whatever happens.
Result<ArchivePointer> open(zip_source_t* source, bool starts_like_a_zip) {
  ZipError error;
  ArchivePointer archive(zip_open_from_source(source, ZIP_RDONLY, error.get()));
  if (archive) return archive;
  zip_source_free(source);
  if (error.code() == ZIP_ER_MEMORY) return out_of_memory();
  // A zip is known by its end; one that was cut has only its beginning left to be known by.
  if (error.code() == ZIP_ER_NOZIP && !starts_like_a_zip) {
    return not_a_zip();
  }
  return fail(ErrorCode::Corrupt, "zip_damaged", "the zip file is cut short or damaged ({})",
              error.words());
}

constexpr std::array<std::byte, 4> kSignature{std::byte{'P'}, std::byte{'K'}, std::byte{3},
                                              std::byte{4}};

bool starts_like_a_zip(Bytes head) {
  return head.size() >= kSignature.size() &&
         std::ranges::equal(head.first(kSignature.size()), kSignature);
}

Unexpected too_many_entries(uint64_t count, const ZipLimits& limits) {
  return fail(ErrorCode::TooLarge, "zip_too_many_entries",
              "the zip file has {} entries; the limit is {}", count, limits.entries);
}

// The library keeps all of the directory in memory, and reads it to its end whatever number of
// entries stands in its record.
Result<void> check_end_record(const internal::EndRecord& end, const ZipLimits& limits) {
  constexpr uint64_t kDirectoryEntry_bytes = 2048;  // 46, the name, and room for notes
  if (end.entry_count > limits.entries) return too_many_entries(end.entry_count, limits);
  if (end.directory_bytes / kDirectoryEntry_bytes > limits.entries) {
    return fail(ErrorCode::TooLarge, "zip_too_many_entries",
                "the zip file's directory has {} bytes; the limit is {} for {} entries",
                end.directory_bytes, limits.entries * kDirectoryEntry_bytes, limits.entries);
  }
  return {};
}

Result<ArchivePointer> open_bytes(Bytes zip, const ZipLimits& limits) {
  ZipError error;
  if (zip.empty()) return not_a_zip();
  const auto read_at = [zip](uint64_t offset, std::span<std::byte> into) {
    if (offset > zip.size() || into.size() > zip.size() - offset) return false;
    std::ranges::copy(zip.subspan(offset, into.size()), into.begin());
    return true;
  };
  TRY(check_end_record(internal::read_end_record(zip.size(), read_at), limits));
  zip_source_t* source = zip_source_buffer_create(zip.data(), zip.size(), 0, error.get());
  if (source == nullptr) return out_of_memory();
  return open(source, starts_like_a_zip(zip));
}

Result<ArchivePointer> open_file(const fs::path& path, const ZipLimits& limits) {
  std::array<std::byte, kSignature.size()> head{};
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) {
    Error error = file_error(errno, "read", path);
    if (error.code == ErrorCode::NotFound) error.reason = "file_not_found";
    if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
    return Unexpected(std::move(error));
  }
  const size_t got = std::fread(head.data(), 1, head.size(), file.get());
  if (got == 0) return not_a_zip();
  const auto read_at = [&file](uint64_t offset, std::span<std::byte> into) {
    return offset <= INT64_MAX && ::fseeko(file.get(), static_cast<off_t>(offset), SEEK_SET) == 0 &&
           std::fread(into.data(), 1, into.size(), file.get()) == into.size();
  };
  std::error_code error_code;
  const uint64_t file_bytes = fs::file_size(path, error_code);
  if (error_code) return not_a_zip();
  TRY(check_end_record(internal::read_end_record(file_bytes, read_at), limits));
  ZipError error;
  zip_source_t* source = zip_source_file_create(path.c_str(), 0, -1, error.get());
  if (source == nullptr) return out_of_memory();
  return open(source, starts_like_a_zip(std::span(head).first(got)));
}

struct Entry {
  zip_uint64_t index = 0;
  std::string name;
  uint64_t size_bytes = 0;
};

bool is_plain_file(zip_t* archive, zip_uint64_t index) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) != 0) return true;
  if (system != ZIP_OPSYS_UNIX && system != ZIP_OPSYS_OS_X) return true;
  const mode_t kind = (attributes >> 16) & S_IFMT;
  return kind == 0 || kind == S_IFREG || kind == S_IFDIR;
}

// What the directory says about one entry, held against the limits; nothing for a folder.
Result<std::optional<Entry>> read_directory_entry(zip_t* archive, zip_uint64_t index,
                                                  const ZipLimits& limits) {
  const char* name = zip_get_name(archive, index, ZIP_FL_ENC_RAW);
  zip_stat_t stat;
  zip_stat_init(&stat);
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  const bool known = name != nullptr && zip_stat_index(archive, index, 0, &stat) == 0 &&
                     (stat.valid & kNeeded) == kNeeded;
  if (!known) {
    return fail(ErrorCode::Corrupt, "zip_damaged", "entry {} of the zip file is damaged", index);
  }
  TRY(internal::check_entry_name(name, kKind));
  if (!is_plain_file(archive, index)) {
    return fail(ErrorCode::InvalidInput, "zip_symlink",
                "`{}` is a link or a device; only files and folders are unpacked", name);
  }
  if (stat.encryption_method != ZIP_EM_NONE) {
    return fail(ErrorCode::Unsupported, "zip_encrypted", "`{}` is encrypted", name);
  }
  if (zip_compression_method_supported(stat.comp_method, 0) == 0) {
    return fail(ErrorCode::Unsupported, "zip_compression_unknown",
                "`{}` is compressed by method {}, which is not known here", name, stat.comp_method);
  }
  const double ratio =
      static_cast<double>(stat.size) / static_cast<double>(std::max<uint64_t>(stat.comp_size, 1));
  if (stat.size > kRatioMatters_bytes && ratio > limits.ratio) {
    return fail(ErrorCode::TooLarge, "zip_ratio_too_high",
                "`{}` would grow {:.0f} times; the limit is {:g}", name, ratio, limits.ratio);
  }
  Entry entry{.index = index, .name = name, .size_bytes = stat.size};
  if (entry.name.ends_with('/')) return std::nullopt;
  return entry;
}

Result<std::vector<Entry>> list(zip_t* archive, const ZipLimits& limits) {
  const auto count =
      static_cast<zip_uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive, 0), 0));
  if (count > limits.entries) return too_many_entries(count, limits);
  std::vector<Entry> entries;
  uint64_t total_bytes = 0;
  for (zip_uint64_t index = 0; index < count; ++index) {
    auto entry = TRY(read_directory_entry(archive, index, limits));
    if (!entry) continue;
    // Compared so that no sum of foreign sizes can overflow.
    if (entry->size_bytes > limits.total_bytes - total_bytes) {
      return fail(ErrorCode::TooLarge, "zip_too_large",
                  "the zip file holds more than {} bytes, which is the limit", limits.total_bytes);
    }
    total_bytes += entry->size_bytes;
    entries.push_back(*std::move(entry));
  }
  std::vector<std::string_view> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  TRY(internal::check_no_duplicates(names, kKind));
  return entries;
}

// ---- unpacking

Unexpected entry_damaged(const Entry& entry) {
  return fail(ErrorCode::Corrupt, "zip_damaged",
              "`{}` is damaged: its contents do not agree with "
              "the zip file's directory",
              entry.name);
}

// Hands the contents to `take(Bytes) -> Result<void>` in pieces. The library compares the checksum
// at the end; the size is held to the directory's while reading, so that nothing grows beyond it.
template <typename Take>
Result<void> unpack(zip_t* archive, const Entry& entry, Take&& take) {
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(archive, entry.index, 0));
  if (!file) return entry_damaged(entry);
  std::vector<std::byte> chunk(kChunk_bytes);
  uint64_t left_bytes = entry.size_bytes;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), chunk.data(), chunk.size());
    if (got < 0 || static_cast<uint64_t>(got) > left_bytes) return entry_damaged(entry);
    if (got == 0) break;
    left_bytes -= static_cast<uint64_t>(got);
    TRY(take(Bytes(chunk).first(static_cast<size_t>(got))));
  }
  if (left_bytes != 0) return entry_damaged(entry);
  return {};
}

Result<void> write_file(zip_t* archive, const Entry& entry, const fs::path& path) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return Unexpected(file_error(errno, "write", path));
  const auto close_later = [](const int* opened) { ::close(*opened); };
  const std::unique_ptr<const int, decltype(close_later)> closer(&descriptor, close_later);
  TRY(unpack(archive, entry, [&](Bytes piece) -> Result<void> {
    while (!piece.empty()) {
      const ssize_t written = ::write(descriptor, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Unexpected(file_error(errno, "write", path));
      piece = piece.subspan(static_cast<size_t>(written));
    }
    return {};
  }));
  if (::fsync(descriptor) != 0) return Unexpected(file_error(errno, "write", path));
  return {};
}

Result<void> write_all(zip_t* archive, const std::vector<Entry>& entries, const fs::path& folder) {
  std::set<fs::path> folders{folder};
  for (const Entry& entry : entries) {
    const fs::path path = folder / entry.name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return Unexpected(file_error(error.value(), "create", path.parent_path()));
    for (fs::path above = path.parent_path(); above != folder; above = above.parent_path()) {
      folders.insert(above);
    }
    TRY(write_file(archive, entry, path));
  }
  for (const fs::path& written : folders) TRY(flush_folder(written));
  return {};
}

// ---- writing

Result<void> add_entry(zip_t* archive, const std::string& name,
                       const std::vector<std::byte>& contents, Compression compression) {
  zip_source_t* source = zip_source_buffer(archive, contents.data(), contents.size(), 0);
  if (source == nullptr) return out_of_memory();
  const zip_int64_t added = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    return out_of_memory();
  }
  const auto index = static_cast<zip_uint64_t>(added);
  const zip_int32_t method = compression == Compression::Store ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
  constexpr zip_uint16_t kFirstOfJanuary1980 = 0x21;
  constexpr zip_uint32_t kPlainFile = zip_uint32_t{S_IFREG | 0644} << 16;
  CHECK(zip_set_file_compression(archive, index, method, 0) == 0);
  CHECK(zip_file_set_dostime(archive, index, 0, kFirstOfJanuary1980, 0) == 0);
  CHECK(zip_file_set_external_attributes(archive, index, 0, ZIP_OPSYS_UNIX, kPlainFile) == 0);
  return {};
}

struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};

Result<std::vector<std::byte>> read_source(zip_source_t* source) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0) return out_of_memory();
  std::vector<std::byte> bytes(stat.size);
  const zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (!std::cmp_equal(got, bytes.size())) return out_of_memory();
  return bytes;
}

Result<std::vector<std::byte>> write_checked(const ZipEntries& entries, Compression compression) {
  ZipError error;
  // Kept past the closing of the archive, which writes into it.
  const std::unique_ptr<zip_source_t, FreeSource> target(
      zip_source_buffer_create(nullptr, 0, 0, error.get()));
  if (!target) return out_of_memory();
  zip_source_keep(target.get());
  ArchivePointer archive(zip_open_from_source(target.get(), ZIP_TRUNCATE, error.get()));
  if (!archive) {
    zip_source_free(target.get());
    return out_of_memory();
  }
  for (const auto& [name, contents] : entries) {
    TRY(add_entry(archive.get(), name, contents, compression));
  }
  if (zip_close(archive.get()) != 0) return out_of_memory();
  (void)archive.release();  // closed
  return read_source(target.get());
}

}  // namespace

Result<ZipEntries> read_zip(Bytes zip, const ZipLimits& limits) {
  try {
    const ArchivePointer archive = TRY(open_bytes(zip, limits));
    ZipEntries unpacked;
    for (const Entry& entry : TRY(list(archive.get(), limits))) {
      std::vector<std::byte>& contents = unpacked[entry.name];
      TRY(unpack(archive.get(), entry, [&contents](Bytes piece) -> Result<void> {
        contents.insert(contents.end(), piece.begin(), piece.end());
        return {};
      }));
    }
    return unpacked;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<void> extract_zip(const fs::path& zip, const fs::path& destination,
                         const ZipLimits& limits) {
  const ArchivePointer archive = TRY(open_file(zip, limits));
  const std::vector<Entry> entries = TRY(list(archive.get(), limits));
  auto folder = TRY(internal::UnpackingFolder::create_for(destination));
  TRY(write_all(archive.get(), entries, folder.path()));
  return folder.put_in_place(folder.path(), destination);
}

Result<std::vector<std::byte>> write_zip(const ZipEntries& entries, Compression compression) {
  if (entries.empty()) {
    return fail(ErrorCode::InvalidInput, "zip_empty", "a zip file needs at least one entry");
  }
  std::vector<std::string_view> names;
  for (const auto& [name, contents] : entries) {
    TRY(internal::check_entry_name(name, kKind));
    if (name.ends_with('/')) {
      return fail(ErrorCode::InvalidInput, "zip_unsafe_name", "`{}` names a folder", name);
    }
    names.push_back(name);
  }
  TRY(internal::check_no_duplicates(names, kKind));
  try {
    return write_checked(entries, compression);
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace faceforge::archive
