#pragma once

#include <cstdint>

#include "nn/tensor.h"

namespace faceforge::lab {

/// What makes a row of `to` numbers out of one of `from`, as training brings crops to the input
/// size of its network: averaged down when there are fewer, interpolated when there are more.
///
/// out:    [from, to], each column's sum is 1: a row times it is the resampled row
/// source: PyTorch's adaptive_avg_pool2d and upsample_bilinear2d without aligned corners, which are
///         this along both axes
[[nodiscard]] nn::Tensor resampling_matrix(int64_t from, int64_t to);

}  // namespace faceforge::lab
