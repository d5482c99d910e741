#pragma once

#include <array>
#include <span>

#include "base/result.h"

namespace faceforge::image {

/// A position in pixels. The centre of the top-left pixel is (0, 0); x runs right, y down.
struct Point2f {
  float x = 0;
  float y = 0;
  bool operator==(const Point2f&) const = default;
};

/// Whole pixels of an image: columns [x, x + width) and rows [y, y + height).
struct PixelRectangle {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  bool operator==(const PixelRectangle&) const = default;
};

/// Rotation, uniform scale and translation, never a reflection:
/// (x, y) -> (a x - b y + tx, b x + a y + ty).
struct SimilarityTransform {
  double a = 1;
  double b = 0;
  double tx = 0;
  double ty = 0;

  [[nodiscard]] Point2f apply(Point2f point) const;

  /// Output lengths per input length, above 0 for everything that estimate_similarity returns.
  [[nodiscard]] double scale() const;

  /// units: radians in (-pi, pi], clockwise on the screen because y runs down
  [[nodiscard]] double rotation_rad() const;

  /// The transform that undoes this one. The scale must not be 0.
  [[nodiscard]] SimilarityTransform inverse() const;

  /// This transform after the points were multiplied by `factor` (for a Photo whose image was
  /// shrunk: `photo_to_crop.before_scaling(photo.scale())` maps pixels of its image to the crop).
  [[nodiscard]] SimilarityTransform before_scaling(double factor) const;

  /// The 2x3 matrix, row by row: a, -b, tx, b, a, ty.
  [[nodiscard]] std::array<double, 6> matrix() const { return {a, -b, tx, b, a, ty}; }
};

/// Finds the similarity that brings `from` closest to `to` in the least-squares sense.
///
/// in:     two lists of the same length, at least 2 points, paired by position
/// fails:  invalid_input/points_unpaired when the lengths differ or there are fewer than 2;
///         invalid_input/points_degenerate when either list is one place only, holds a number that
///         is not finite, or when no rotation is better than another
/// cost:   O(points)
/// source: Umeyama 1991, eq. 34-43, reflections excluded. In the plane its singular value
///         decomposition has a closed form: the rotation is the angle of the complex covariance.
[[nodiscard]] Result<SimilarityTransform> estimate_similarity(std::span<const Point2f> from,
                                                              std::span<const Point2f> to);

}  // namespace faceforge::image
