#pragma once

#include <cstddef>
#include <span>

namespace faceforge::image::internal {

/// How often the file goes over its picture: 1 for a baseline JPEG with interleaved colours, about
/// 10 for a progressive one. Every scan costs a pass over all pixels, however few bytes it has.
///
/// in:     a file that starts as a JPEG does; damage ends the count
/// source: ITU-T T.81, section B.1.1
[[nodiscard]] int count_jpeg_scans(std::span<const std::byte> file);

}  // namespace faceforge::image::internal
