#include "face/bounding_box.h"

#include <algorithm>

namespace faceforge::face {

float intersection_over_union(const BoundingBox& a, const BoundingBox& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const float intersection = width * height;
  return intersection / (a.area() + b.area() - intersection);
}

}  // namespace faceforge::face
