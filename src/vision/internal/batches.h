#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "vision/pipeline.h"

namespace faceforge::vision {

/// How many of `left` pictures go into the next run: a power of two, at most `kMaxBatch`, so that a
/// network is compiled for six batch sizes at most, whatever the number of faces.
[[nodiscard]] inline size_t next_batch(size_t left) {
  return std::min(kMaxBatch, std::bit_floor(left));
}

}  // namespace faceforge::vision
