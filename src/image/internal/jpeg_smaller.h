#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "image/image.h"

namespace faceforge::image::internal {

struct SmallerJpeg {
  Image image;
  size_t unit_count = 0;        ///< minimum coded units
  size_t read_ahead_count = 0;  ///< of those, read before their turn
};

/// Decodes a JPEG smaller than it is, on several threads. The pixels are libjpeg-turbo's, which has
/// one thread read all Huffman codes, for what encoders write (docs/decisions/0032).
///
/// A scan is cut at bytes between which nothing tells where a code begins. The first part is read
/// and painted from the start; the others are read as if a minimum coded unit began there, which
/// is wrong at first, and right for good after some hundred bytes, because Huffman codes
/// synchronize themselves. Where the reader of the part before comes upon a place at which a unit
/// began here too, the rest of the part is what it would have read, but for an offset of its DC
/// coefficients.
///
/// in:     `divisor` 2, 4 or 8; `thread_count` at least 1, the caller's among them (at most 8 are
///         used); `part_bytes` of the scan that each of them reads in a round
/// out:    sides as libvips makes them: divided, and rounded down. Not turned, colours as they are
///         stored. Nothing for any other kind of JPEG than `read_jpeg_frame` reads, one that is
///         damaged, one of which no pixel would be left, or on a processor that lacks AVX2, BMI2 or
///         MOVBE: the codec library decodes those, or says what is wrong with them
/// cost:   beside the picture a copy of the scan and 6 MB a thread of what is read ahead; for a
///         hostile file as much again as the picture
/// throws: std::bad_alloc
/// source: Klein and Wiseman 2003, "Parallel Huffman decoding with applications to JPEG files"
[[nodiscard]] std::optional<SmallerJpeg> decode_jpeg_smaller(std::span<const std::byte> file,
                                                             int divisor, int thread_count,
                                                             size_t part_bytes = 1'500'000);

}  // namespace faceforge::image::internal
