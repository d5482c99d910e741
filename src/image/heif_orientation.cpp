#include "image/internal/heif_orientation.h"

#include <cstdint>
#include <string_view>

#include "image/internal/heif_boxes.h"

namespace faceforge::image::internal {

bool container_turns_its_picture(Bytes file) {
  const Bytes meta = meta_boxes(file).value_or(Bytes());
  Bytes properties = contents_of(contents_of(meta, "iprp"), "ipco");
  while (const auto property = take_box(properties)) {
    if (property->type == "irot" || property->type == "imir") return true;
  }
  return false;
}

int exif_orientation(Bytes exif) {
  constexpr int kUpright = 1;
  constexpr size_t kEntry_bytes = 12;
  constexpr uint64_t kOrientationTag = 0x0112;
  constexpr uint64_t kShort = 3;
  using namespace std::string_view_literals;
  if (as_text(exif).starts_with("Exif\0\0"sv)) exif = exif.subspan(6);
  const bool little = as_text(exif).starts_with("II*\0"sv);
  if (exif.size() < 8 || (!little && !as_text(exif).starts_with("MM\0*"sv))) return kUpright;
  const ByteOrder order = little ? ByteOrder::LittleEndian : ByteOrder::BigEndian;

  const uint64_t directory_offset = read_integer(exif.subspan(4, 4), order);
  if (directory_offset + 2 > exif.size()) return kUpright;
  Bytes entries = exif.subspan(static_cast<size_t>(directory_offset));
  uint64_t entries_left = read_integer(entries.first(2), order);
  entries = entries.subspan(2);
  for (; entries_left > 0 && entries.size() >= kEntry_bytes; --entries_left) {
    const Bytes entry = entries.first(kEntry_bytes);
    entries = entries.subspan(kEntry_bytes);
    if (read_integer(entry.first(2), order) != kOrientationTag) continue;
    const uint64_t orientation = read_integer(entry.subspan(8, 2), order);
    const bool sensible =
        read_integer(entry.subspan(2, 2), order) == kShort && orientation >= 1 && orientation <= 8;
    return sensible ? static_cast<int>(orientation) : kUpright;
  }
  return kUpright;
}

}  // namespace faceforge::image::internal
