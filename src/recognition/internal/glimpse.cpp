#include "recognition/internal/glimpse.h"

#include <cmath>
#include <numeric>

#include "base/check.h"

namespace faceforge::recognition::internal {

Glimpse::Glimpse(const image::Image& crop) {
  const auto width = static_cast<size_t>(crop.width_px());
  const auto height = static_cast<size_t>(crop.height_px());
  CHECK(width >= kSide && height >= kSide);
  std::array<uint32_t, kSide * kSide> sums{};
  std::array<uint32_t, kSide * kSide> counts{};
  for (size_t y = 0; y < height; ++y) {
    const auto row = crop.row(static_cast<int>(y));
    for (size_t x = 0; x < width; ++x) {
      const size_t field = y * kSide / height * kSide + x * kSide / width;
      sums[field] += uint32_t{row[3 * x]} + row[3 * x + 1] + row[3 * x + 2];
      ++counts[field];
    }
  }
  for (size_t field = 0; field < fields_.size(); ++field) {
    fields_[field] = static_cast<float>(sums[field]) / static_cast<float>(counts[field]);
  }
  const float mean =
      std::accumulate(fields_.begin(), fields_.end(), 0.0F) / static_cast<float>(fields_.size());
  for (float& field : fields_) field -= mean;
  const float length =
      std::sqrt(std::inner_product(fields_.begin(), fields_.end(), fields_.begin(), 0.0F));
  if (length == 0) return;  // all of one colour: like nothing
  for (float& field : fields_) field /= length;
}

float Glimpse::likeness(const Glimpse& other) const {
  return std::inner_product(fields_.begin(), fields_.end(), other.fields_.begin(), 0.0F);
}

}  // namespace faceforge::recognition::internal
