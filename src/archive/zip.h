#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::archive {

/// Bounds on foreign zip files, checked against the end record before the directory is read,
/// against the directory before, and against the bytes while anything is unpacked.
struct ZipLimits {
  size_t entries = 1'000;                    ///< also: 2 kB of the directory each, on average
  uint64_t total_bytes = uint64_t{2} << 30;  ///< unpacked, all entries together
  double ratio = 200;                        ///< unpacked to packed bytes, for an entry over 1 MiB
};

/// Name in the zip (with `/`, no leading slash) to contents.
using ZipEntries = std::map<std::string, std::vector<std::byte>>;

enum class Compression {
  Deflate,
  Store,  ///< for what is compressed already, and for files read in place
};

/// Unpacks a small zip into memory. Folders are not listed: their files' names say it.
///
/// fails: invalid_input/not_a_zip; corrupt/zip_damaged (cut, or a checksum is wrong);
///        too_large/zip_too_many_entries, zip_too_large or zip_ratio_too_high;
///        invalid_input/zip_unsafe_name (absolute, with `..`, backslash, drive or control
///        character, over 512 bytes, not UTF-8), zip_duplicate_name (letter case aside, or a file
///        that is a folder too) or zip_symlink; unsupported/zip_encrypted or
///        zip_compression_unknown
[[nodiscard]] Result<ZipEntries> read_zip(std::span<const std::byte> zip, const ZipLimits& limits);

/// Unpacks a zip into the new folder `destination`, which appears complete or not at all: unpacked
/// beside it first, flushed, then renamed.
///
/// fails: as read_zip; not_found/file_not_found for the zip; already_exists/folder_exists;
///        exhausted/disk_full; forbidden/file_not_writable; internal/file_error
[[nodiscard]] Result<void> extract_zip(const std::filesystem::path& zip,
                                       const std::filesystem::path& destination,
                                       const ZipLimits& limits);

/// Makes a zip in memory. The same entries give the same bytes: the times inside are all
/// 1980-01-01.
///
/// fails: invalid_input/zip_empty without entries; invalid_input/zip_unsafe_name (also for a name
///        that ends with `/`) or zip_duplicate_name, as read_zip would;
///        exhausted/out_of_memory
[[nodiscard]] Result<std::vector<std::byte>> write_zip(
    const ZipEntries& entries, Compression compression = Compression::Deflate);

}  // namespace faceforge::archive
