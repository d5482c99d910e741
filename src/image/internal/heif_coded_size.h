#pragma once

#include "base/result.h"
#include "image/internal/heif_boxes.h"

namespace faceforge::image::internal {

/// Looks in the coded pictures of a HEIC or AVIF file for how large they are, and compares that
/// with what the container says of them: a decoder takes memory and time for the former, and the
/// limits on photos are held against the latter.
///
/// in:     `megapixels` the limit on a photo; its tiles and its alpha may have three times as many
/// fails:  invalid_input/image_damaged when a coded picture is larger than its container says by
///         more than an encoder's alignment, naming both sizes; as read_heif_items;
///         too_large/photo_too_large when all that is decoded for the photo has too many pixels
/// cost:   reads the lengths of the coded units; O(bytes of the file) at most, no pixels
/// source: ITU-T H.265 (2021), sections 7.3.1 and 7.3.2.2; AV1 Bitstream & Decoding Process
///         Specification (2019), sections 5.3 and 5.5
[[nodiscard]] Result<void> check_coded_sizes(Bytes file, double megapixels);

}  // namespace faceforge::image::internal
