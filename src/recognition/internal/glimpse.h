#pragma once

#include <array>
#include <cstddef>

#include "image/image.h"

namespace faceforge::recognition::internal {

/// An aligned crop in a few grey fields: tells, at a hundredth of what an embedding costs, whether
/// a crop still shows what was last looked at.
class Glimpse {
 public:
  /// Like nothing.
  Glimpse() = default;

  /// in: at least 16 x 16 pixels (a CHECK)
  explicit Glimpse(const image::Image& crop);

  /// out: the correlation of both, in [-1, 1]; brightness and contrast make no difference
  [[nodiscard]] float likeness(const Glimpse& other) const;

 private:
  static constexpr size_t kSide = 16;

  std::array<float, kSide * kSide> fields_{};  ///< of mean 0 and length 1
};

}  // namespace faceforge::recognition::internal
