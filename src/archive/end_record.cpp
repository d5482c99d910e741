#include "archive/internal/end_record.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace faceforge::archive::internal {
namespace {

constexpr std::string_view kEnd = "PK\x05\x06";
constexpr std::string_view kEnd64 = "PK\x06\x06";
constexpr std::string_view kLocator64 = "PK\x06\x07";
constexpr size_t kEnd_bytes = 22;
constexpr size_t kEnd64_bytes = 56;
constexpr size_t kLocator64_bytes = 20;
/// A comment of any length may follow the record.
constexpr size_t kTail_bytes = 0xFFFF + kEnd_bytes + kLocator64_bytes;

uint64_t number_at(std::string_view bytes, size_t offset, size_t width) {
  uint64_t number = 0;
  for (size_t index = width; index > 0; --index) {
    number = (number << 8) | static_cast<unsigned char>(bytes[offset + index - 1]);
  }
  return number;
}

void widen(EndRecord& record, uint64_t entry_count, uint64_t directory_bytes) {
  record.entry_count = std::max(record.entry_count, entry_count);
  record.directory_bytes = std::max(record.directory_bytes, directory_bytes);
}

/// Reads the zip64 record that a locator points to.
void read_end64(std::string_view locator, const ReadAt& read_at, EndRecord& record) {
  std::string end(kEnd64_bytes, '\0');
  if (!read_at(number_at(locator, 8, 8), std::as_writable_bytes(std::span(end)))) return;
  if (!end.starts_with(kEnd64)) return;
  widen(record, std::max(number_at(end, 24, 8), number_at(end, 32, 8)), number_at(end, 40, 8));
}

}  // namespace

EndRecord read_end_record(uint64_t zip_bytes, const ReadAt& read_at) {
  EndRecord record;
  std::string tail(static_cast<size_t>(std::min<uint64_t>(zip_bytes, kTail_bytes)), '\0');
  if (!read_at(zip_bytes - tail.size(), std::as_writable_bytes(std::span(tail)))) return record;
  const std::string_view bytes(tail);
  for (size_t at = bytes.find(kEnd); at != std::string_view::npos; at = bytes.find(kEnd, at + 1)) {
    if (at + kEnd_bytes > bytes.size()) break;
    const auto locator =
        at < kLocator64_bytes ? std::string_view() : bytes.substr(at - kLocator64_bytes);
    if (locator.starts_with(kLocator64)) {
      read_end64(locator, read_at, record);
    } else {
      widen(record, std::max(number_at(bytes, at + 8, 2), number_at(bytes, at + 10, 2)),
            number_at(bytes, at + 12, 4));
    }
  }
  return record;
}

}  // namespace faceforge::archive::internal
