#pragma once

#include <array>

#include "face/bounding_box.h"
#include "recognition/box_velocity.h"

namespace faceforge::recognition::internal {

/// Where a moving box is: a Kalman filter of constant velocity over its centre and sides. All
/// noises are independent from coordinate to coordinate, so that the filter of eight states is four
/// filters of two, exactly, and no matrix is larger than 2 x 2. Noise grows with the size of the
/// box.
///
/// source: Bewley et al. 2016, Simple Online and Realtime Tracking, section 3.2. Deviations: width
///         and height in place of area and aspect (Aharon et al. 2022, BoT-SORT, section 3.1), and
///         noise by time passed, not by frame, because frames that came late were dropped.
class BoxFilter {
 public:
  explicit BoxFilter(const face::BoundingBox& measured);

  /// Moves on by `seconds`, at least 0.
  void predict(float seconds);
  void update(const face::BoundingBox& measured);

  /// Both sides are 1 pixel at least.
  [[nodiscard]] face::BoundingBox box() const;
  [[nodiscard]] BoxVelocity velocity() const;

 private:
  struct Coordinate {
    float position = 0;
    float velocity = 0;
    float position_variance = 0;
    float covariance = 0;
    float velocity_variance = 0;

    void predict(float seconds, float acceleration_density);
    void update(float measured, float measured_variance);
  };

  [[nodiscard]] float size_px() const;

  std::array<Coordinate, 4> coordinates_;  ///< centre x and y, width, height
};

}  // namespace faceforge::recognition::internal
