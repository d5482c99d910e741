#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/detected_face.h"
#include "image/geometry.h"
#include "image/image.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// Landmarks whose points lie within less than this of each other, in both directions, are no face.
inline constexpr float kMinSpan_px = 2;

/// Warps a part of an image into a square of `side_px`, black from outside.
///
/// Where the crop is less than half as large as the face, bilinear sampling would skip pixels and
/// alias; there the face's surroundings are first shrunk by a whole number with area averaging.
///
/// in:     `image_to_square` of a finite scale above 0
/// cost:   O(side_px^2), and O(pixels of the face) for faces over twice the square
[[nodiscard]] image::Image warp_to_square(const image::Image& image,
                                          const image::SimilarityTransform& image_to_square,
                                          int side_px);

/// From pixels of `photo.image` to those of the crop that `align` makes.
///
/// fails: as `align`
[[nodiscard]] Result<image::SimilarityTransform> image_to_crop(const image::Photo& photo,
                                                               const face::DetectedFace& face,
                                                               const LandmarkTemplate& tmpl);

/// Warps a face upright into the square that an embedder expects, by `warp_to_square`.
///
/// in:     `photo` upright RGB8; `face` with its contour when the template names contour points
/// out:    RGB8 crop of `tmpl.side_px` square; pixels from outside the photo are black
/// fails:  invalid_input/degenerate_landmarks when the points span less than `kMinSpan_px`, are not
///         finite, or lie in no place from which a face could be turned upright
/// cost:   as `warp_to_square`
/// source: Umeyama 1991, eq. 34-43 (least-squares similarity, reflections excluded)
[[nodiscard]] Result<face::AlignedCrop> align(const image::Photo& photo,
                                              const face::DetectedFace& face,
                                              const LandmarkTemplate& tmpl);

}  // namespace faceforge::vision
