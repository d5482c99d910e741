#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace faceforge::image::internal {

/// The boxes that a HEIC or AVIF file is made of (ISO/IEC 14496-12, section 4.2). Foreign bytes:
/// what makes no sense ends the reading, and the codec library judges it. An error is only what the
/// library could understand otherwise than we do: it must decode the picture that was checked.
using Bytes = std::span<const std::byte>;

enum class ByteOrder { LittleEndian, BigEndian };

/// in: at most 8 bytes
[[nodiscard]] uint64_t read_integer(Bytes bytes, ByteOrder order = ByteOrder::BigEndian);

[[nodiscard]] std::string_view as_text(Bytes bytes);

struct Box {
  std::string_view type;
  Bytes contents;
};

/// Takes the first box off `boxes`; nothing at the end or when its size makes no sense.
[[nodiscard]] std::optional<Box> take_box(Bytes& boxes);

/// The contents of the first box of a type; empty when there is none.
[[nodiscard]] Bytes contents_of(Bytes boxes, std::string_view type);

/// The failure of a file in which something can be understood in two ways.
[[nodiscard]] Unexpected senseless(std::string_view what);

/// The boxes inside a file's `meta` box; empty when there is none.
///
/// fails: invalid_input/image_damaged when there are several
[[nodiscard]] Result<Bytes> meta_boxes(Bytes file);

}  // namespace faceforge::image::internal
