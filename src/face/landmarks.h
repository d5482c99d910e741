#pragma once

#include <array>
#include <cstddef>

namespace faceforge::face {

/// A point in pixels of the full-size upright photo.
struct Point {
  float x = 0;
  float y = 0;

  bool operator==(const Point&) const = default;
};

/// The order of the five landmarks. Left and right are those of the picture, not of the person.
enum class Landmark : size_t { LeftEye, RightEye, Nose, LeftMouthCorner, RightMouthCorner };

inline constexpr size_t kLandmarkCount = 5;

using Landmarks = std::array<Point, kLandmarkCount>;

[[nodiscard]] inline const Point& at(const Landmarks& landmarks, Landmark which) {
  return landmarks[static_cast<size_t>(which)];
}

}  // namespace faceforge::face
