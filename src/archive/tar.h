#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>

#include "base/result.h"

namespace faceforge::archive {

/// Bounds on a foreign tar file, checked while it is unpacked: it has no directory to judge before.
struct TarLimits {
  size_t entries = 1'000'000;
  uint64_t total_bytes = uint64_t{64} << 30;  ///< unpacked, all entries together
  double ratio = 100;                         ///< unpacked to packed bytes, beyond the first MiB
};

struct TarOptions {
  TarLimits limits = {};
  /// A folder that holds everything else (`lfw/`) is not made: what is in it is.
  bool leave_out_outer_folders = false;
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> report = {};  ///< packed ones
  std::stop_token stop = {};
};

/// Unpacks a tar file, gzipped or not, into the new folder `destination`, which appears complete or
/// not at all: unpacked beside it first, flushed, then renamed. Modes, times and owners are left
/// behind; files are their owner's alone.
///
/// fails: not_found/file_not_found, forbidden/file_not_readable or internal/file_error for the
/// file;
///        invalid_input/not_a_tar; corrupt/tar_damaged (cut, or a checksum is wrong);
///        too_large/tar_too_many_entries, tar_too_large or tar_ratio_too_high;
///        invalid_input/tar_unsafe_name (as zip_unsafe_name), tar_duplicate_name or tar_not_a_file
///        (links and devices); already_exists/folder_exists; exhausted/disk_full;
///        forbidden/file_not_writable; cancelled/cancelled
[[nodiscard]] Result<void> extract_tar(const std::filesystem::path& tar,
                                       const std::filesystem::path& destination,
                                       const TarOptions& options = {});

}  // namespace faceforge::archive
