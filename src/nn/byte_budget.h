#pragma once

#include <cstddef>

#include "base/result.h"

namespace faceforge::nn {

/// The bytes that the weights of a network may take together, with what is computed from them once.
/// They are taken before they are allocated.
class ByteBudget {
 public:
  explicit ByteBudget(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// fails: too_large/weights_too_large when the limit would be passed; then nothing is taken
  [[nodiscard]] Result<void> take(size_t bytes) {
    if (bytes > limit_bytes_ - taken_bytes_) {
      return fail(ErrorCode::TooLarge, "weights_too_large",
                  "the weights, and what is computed from them, take over {} bytes", limit_bytes_);
    }
    taken_bytes_ += bytes;
    return {};
  }

  /// Gives back what was taken and is freed.
  void give_back(size_t bytes) { taken_bytes_ -= bytes; }

 private:
  size_t limit_bytes_;
  size_t taken_bytes_ = 0;
};

}  // namespace faceforge::nn
