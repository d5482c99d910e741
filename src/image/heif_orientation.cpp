#include "image/internal/heif_orientation.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace faceforge::image::internal {
namespace {

using Bytes = std::span<const std::byte>;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

enum class ByteOrder { LittleEndian, BigEndian };

uint64_t read_integer(Bytes bytes, ByteOrder order = ByteOrder::BigEndian) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = order == ByteOrder::BigEndian ? i : bytes.size() - 1 - i;
    value = value << 8 | static_cast<uint64_t>(bytes[at]);
  }
  return value;
}

struct Box {
  std::string_view type;
  Bytes contents;
};

// Takes the first box off `boxes` (ISO/IEC 14496-12, section 4.2); nothing at the end or when its
// size makes no sense.
std::optional<Box> take_box(Bytes& boxes) {
  if (boxes.size() < 8) return std::nullopt;
  uint64_t size = read_integer(boxes.first(4));
  size_t header = 8;
  if (size == 0) size = boxes.size();  // up to the end
  if (size == 1) {                     // the real size follows
    if (boxes.size() < 16) return std::nullopt;
    size = read_integer(boxes.subspan(8, 8));
    header = 16;
  }
  if (size < header || size > boxes.size()) return std::nullopt;
  const auto whole = boxes.first(static_cast<size_t>(size));
  boxes = boxes.subspan(whole.size());
  return Box{as_text(whole.subspan(4, 4)), whole.subspan(header)};
}

Bytes contents_of(Bytes boxes, std::string_view type) {
  while (const auto box = take_box(boxes)) {
    if (box->type == type) return box->contents;
  }
  return {};
}

}  // namespace

bool container_turns_its_picture(Bytes file) {
  Bytes meta = contents_of(file, "meta");
  if (meta.size() < 4) return false;
  meta = meta.subspan(4);  // version and flags
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
