#pragma once

#include <cstddef>

#include "image/geometry.h"
#include "image/image.h"
#include "nn/tensor.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// A batch of black pictures, as the network sees black.
[[nodiscard]] nn::Tensor black_input(size_t picture_count, int width_px, int height_px,
                                     const InputNormalization& normalization);

/// Where pixels go in a batch.
struct InputPlace {
  size_t picture_index = 0;
  int left = 0;
  int top = 0;
};

/// Normalizes a part of an image into a place of a batch, without copying the pixels first.
///
/// in:   `part` inside of `source`, and inside of the picture at its place (a CHECK)
/// cost: O(part)
void place_pixels(const image::Image& source, const image::PixelRectangle& part,
                  const InputNormalization& normalization, const InputPlace& place,
                  nn::Tensor& input);

/// Scales an image to `width_px` x `height_px` and normalizes a part of that into a place of a
/// batch, in one pass: the scaled pixels exist a row at a time.
///
/// in:   `part` within the scaled image, and inside of the picture at its place (a CHECK)
/// cost: O(image pixels under the part + part)
void place_scaled(const image::Image& source, int width_px, int height_px,
                  const image::PixelRectangle& part, const InputNormalization& normalization,
                  const InputPlace& place, nn::Tensor& input);

/// Turns every picture of a batch round left and right.
void mirror_pictures(nn::Tensor& input);

}  // namespace faceforge::vision
