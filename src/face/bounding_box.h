#pragma once

namespace faceforge::face {

/// An upright rectangle in pixels of the full-size upright photo; origin top left, y down.
/// It may reach beyond the photo's borders.
struct BoundingBox {
  float x = 0;  ///< left edge
  float y = 0;  ///< top edge
  float width = 0;
  float height = 0;

  [[nodiscard]] float area() const { return width * height; }
  [[nodiscard]] float center_x() const { return x + width / 2; }
  [[nodiscard]] float center_y() const { return y + height / 2; }
};

/// out: intersection over union in [0, 1]; 0 when either box is empty
[[nodiscard]] float intersection_over_union(const BoundingBox& a, const BoundingBox& b);

}  // namespace faceforge::face
