#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace faceforge::archive::internal {

/// What the end of a zip says of its directory.
struct EndRecord {
  uint64_t entry_count = 0;
  uint64_t directory_bytes = 0;
};

/// Fills `into` from a place of the file; false when the file ends before that.
using ReadAt = std::function<bool(uint64_t offset, std::span<std::byte> into)>;

/// Reads the end-of-central-directory records of a zip, the zip64 ones too. The library tries every
/// place among the last 64 KiB that looks like one, so of several the largest numbers count;
/// without any they are 0.
///
/// cost:   64 KiB are read
/// source: APPNOTE 6.3.10, 4.3.14 to 4.3.16
[[nodiscard]] EndRecord read_end_record(uint64_t zip_bytes, const ReadAt& read_at);

}  // namespace faceforge::archive::internal
