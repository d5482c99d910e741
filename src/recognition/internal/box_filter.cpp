#include "recognition/internal/box_filter.h"

#include <algorithm>

namespace faceforge::recognition::internal {
namespace {

/// Standard deviation of a detector's edge, in shares of the face's size (as SORT's successors).
constexpr float kMeasuredShare = 0.05F;
/// How fast a face may move when nothing is known yet, and by how much its velocity changes in a
/// second, in face sizes a second: a head that is turned away quickly crosses about three.
constexpr float kFirstVelocityShare = 2;
constexpr float kVelocityChangeShare = 3;

std::array<float, 4> coordinates_of(const face::BoundingBox& box) {
  return {box.center_x(), box.center_y(), box.width, box.height};
}

constexpr float squared(float value) {
  return value * value;
}

}  // namespace

BoxFilter::BoxFilter(const face::BoundingBox& measured) {
  const auto values = coordinates_of(measured);
  const float size = std::max(1.0F, (measured.width + measured.height) / 2);
  for (size_t index = 0; index < coordinates_.size(); ++index) {
    coordinates_[index] = {.position = values[index],
                           .position_variance = squared(kMeasuredShare * size),
                           .velocity_variance = squared(kFirstVelocityShare * size)};
  }
}

float BoxFilter::size_px() const {
  return std::max(1.0F, (coordinates_[2].position + coordinates_[3].position) / 2);
}

void BoxFilter::predict(float seconds) {
  const float density = squared(kVelocityChangeShare * size_px());
  for (Coordinate& coordinate : coordinates_) coordinate.predict(seconds, density);
}

void BoxFilter::update(const face::BoundingBox& measured) {
  const auto values = coordinates_of(measured);
  const float variance = squared(kMeasuredShare * size_px());
  for (size_t index = 0; index < coordinates_.size(); ++index) {
    coordinates_[index].update(values[index], variance);
  }
}

face::BoundingBox BoxFilter::box() const {
  const float width = std::max(1.0F, coordinates_[2].position);
  const float height = std::max(1.0F, coordinates_[3].position);
  return {coordinates_[0].position - width / 2, coordinates_[1].position - height / 2, width,
          height};
}

BoxVelocity BoxFilter::velocity() const {
  return {coordinates_[0].velocity, coordinates_[1].velocity, coordinates_[2].velocity,
          coordinates_[3].velocity};
}

/// The covariance of white acceleration: Bar-Shalom et al. 2001, Estimation with Applications to
/// Tracking and Navigation, section 6.2.2.
void BoxFilter::Coordinate::predict(float seconds, float acceleration_density) {
  const float t = seconds;
  position += velocity * t;
  position_variance +=
      2 * t * covariance + t * t * velocity_variance + acceleration_density * t * t * t / 3;
  covariance += t * velocity_variance + acceleration_density * t * t / 2;
  velocity_variance += acceleration_density * t;
}

void BoxFilter::Coordinate::update(float measured, float measured_variance) {
  const float position_gain = position_variance / (position_variance + measured_variance);
  const float velocity_gain = covariance / (position_variance + measured_variance);
  const float surprise = measured - position;
  position += position_gain * surprise;
  velocity += velocity_gain * surprise;
  velocity_variance -= velocity_gain * covariance;
  covariance *= 1 - position_gain;
  position_variance *= 1 - position_gain;
}

}  // namespace faceforge::recognition::internal
