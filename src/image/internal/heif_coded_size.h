#pragma once

#include "base/result.h"
#include "image/internal/heif_boxes.h"

namespace faceforge::image::internal {

/// Looks in the coded pictures of a HEIC or AVIF file for how large they are, and compares that
/// with what the container says of them: a decoder takes memory and time for the former, and the
/// limits on photos are held against the latter. AV1 says a size for the sequence, and a frame may
/// have its own: the larger one counts. The canvas of a grid or an overlay is looked at in the same
/// way.
///
/// in:     `megapixels` the limit on a photo; its tiles and its alpha may have three times as many
/// fails:  invalid_input/image_damaged when a coded picture (or a canvas) is larger than its
///         container says by more than an encoder's alignment, naming both sizes; when the
///         container says two sizes for one picture; when the lengths of HEVC units are not of four
///         bytes; when pictures are made from others more than eight deep or in more than 100 000
///         steps; as read_heif_items;
///         too_large/photo_too_large when all that is decoded for the photo has too many pixels
/// cost:   reads the lengths of the coded units, and AV1's frame headers; O(bytes of the file) at
///         most, no pixels
/// source: ITU-T H.265 (2021), sections 7.3.1 and 7.3.2.2; AV1 Bitstream & Decoding Process
///         Specification (2019), sections 5.3, 5.5, 5.9.2, 5.9.5 and 5.9.7; ISO/IEC 23008-12,
///         section 6.6.2
[[nodiscard]] Result<void> check_coded_sizes(Bytes file, double megapixels);

}  // namespace faceforge::image::internal
