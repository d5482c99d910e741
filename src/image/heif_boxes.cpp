#include "image/internal/heif_boxes.h"

namespace faceforge::image::internal {

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t read_integer(Bytes bytes, ByteOrder order) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = order == ByteOrder::BigEndian ? i : bytes.size() - 1 - i;
    value = value << 8 | static_cast<uint64_t>(bytes[at]);
  }
  return value;
}

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

Unexpected senseless(std::string_view what) {
  return fail(ErrorCode::InvalidInput, "image_damaged",
              "the HEIC or AVIF file is damaged: its {} make no sense", what);
}

Result<Bytes> meta_boxes(Bytes file) {
  std::optional<Bytes> meta;
  while (const auto box = take_box(file)) {
    if (box->type != "meta") continue;
    if (meta) return senseless("`meta` boxes");
    meta = box->contents;
  }
  if (!meta || meta->size() < 4) return Bytes();
  return meta->subspan(4);  // version and flags
}

}  // namespace faceforge::image::internal
