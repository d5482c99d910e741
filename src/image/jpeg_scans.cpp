#include "image/internal/jpeg_scans.h"

#include <algorithm>
#include <cstring>

namespace faceforge::image::internal {

int count_jpeg_scans(std::span<const std::byte> file) {
  constexpr unsigned kStartOfScan = 0xDA;
  constexpr unsigned kEndOfImage = 0xD9;
  const auto byte_at = [&file](size_t at) { return static_cast<unsigned>(file[at]); };
  // Markers without a length: stuffed bytes within a scan, TEM, restarts and the start of an image.
  const auto stands_alone = [](unsigned marker) {
    return marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
  };
  int scans = 0;
  size_t at = 0;
  while (at + 4 <= file.size()) {
    const unsigned marker = byte_at(at + 1);
    if (byte_at(at) != 0xFF) {  // within a scan
      const void* next = std::memchr(file.data() + at, 0xFF, file.size() - at);
      if (next == nullptr) break;
      at = static_cast<size_t>(static_cast<const std::byte*>(next) - file.data());
    } else if (marker == 0xFF) {
      ++at;  // filling
    } else if (stands_alone(marker)) {
      at += 2;
    } else if (marker == kEndOfImage) {
      break;
    } else {
      if (marker == kStartOfScan) ++scans;
      const size_t length = byte_at(at + 2) << 8 | byte_at(at + 3);
      at += 2 + std::max<size_t>(length, 2);
    }
  }
  return scans;
}

}  // namespace faceforge::image::internal
