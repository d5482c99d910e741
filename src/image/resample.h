#pragma once

#include <functional>
#include <span>

#include "image/geometry.h"
#include "image/image.h"

namespace faceforge::image {

/// Fills a new image by looking each of its pixels up in `source`, bilinearly; black from outside.
///
/// in:     `source_to_output`, of a finite scale above 0, maps pixels of `source` to the result's
/// out:    `width_px` x `height_px`, each pixel looked up at its position rounded to 1/32 of one
/// cost:   O(width_px * height_px), whatever the size of `source`
/// source: OpenCV 4.6, warpAffine with INTER_LINEAR and BORDER_CONSTANT 0, to the bit: published
///         embedders were trained on its crops
[[nodiscard]] Image warp_similarity(const Image& source,
                                    const SimilarityTransform& source_to_output, int width_px,
                                    int height_px);

/// Scales to exactly `width_px` x `height_px`.
///
/// Per axis: where it shrinks, every result pixel is the mean of the source area that it covers (no
/// aliasing); where it grows, bilinear between pixel centres, edges repeated. The corners of both
/// images coincide: pixel centre u of the result lies at (u + 0.5) * source / result - 0.5.
/// cost:   O(source pixels + result pixels)
[[nodiscard]] Image resize(const Image& source, int width_px, int height_px);

/// A row of the part that was asked for, counted from its top: R, G, B of each pixel in 0..255,
/// before they are rounded. Good until the next row comes.
using TakeRow = std::function<void(int y, std::span<const float> rgb)>;

/// Scales as `resize` does, but only a part of the result, and hands it on row by row instead of
/// making an image: no more than two rows are held.
///
/// in:     `part` within `width_px` x `height_px` (a CHECK)
/// cost:   O(source pixels under the part + pixels of the part)
void resize_rows(const Image& source, int width_px, int height_px, const PixelRectangle& part,
                 const TakeRow& take_row);

/// Cuts a rectangle out; what lies outside of `source` is black. The sides must be positive.
[[nodiscard]] Image crop(const Image& source, const PixelRectangle& rectangle);

/// Adds black on the right and at the bottom, so that coordinates stay as they are. Neither side
/// may be smaller than that of `source`.
[[nodiscard]] Image pad(const Image& source, int width_px, int height_px);

/// Mirrors left and right.
[[nodiscard]] Image flip_horizontally(const Image& source);

}  // namespace faceforge::image
