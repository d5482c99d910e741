#pragma once

#include <cstddef>
#include <span>

namespace faceforge::image::internal {

/// Whether a HEIF container itself says how its pictures are turned (an `irot` or `imir` property).
/// The codec library has then applied that already, and EXIF must not turn the picture again
/// (ISO/IEC 23008-12, section A.2.1). Damaged containers say nothing.
[[nodiscard]] bool container_turns_its_picture(std::span<const std::byte> file);

/// The orientation tag of an EXIF block, 1 to 8; 1 (upright) when it is missing or makes no sense.
///
/// in:     a TIFF header with its directory, after `Exif\0\0` or not
/// source: Exif 2.32, section 4.6.4 A, tag 0x0112
[[nodiscard]] int exif_orientation(std::span<const std::byte> exif);

}  // namespace faceforge::image::internal
