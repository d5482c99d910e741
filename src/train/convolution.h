#pragma once

#include <torch/nn/modules/conv.h>

namespace faceforge::train {

/// A convolution as ResNets have them: padded so that a stride of 1 keeps the size, and without a
/// bias, for a batch norm follows.
[[nodiscard]] inline torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t side,
                                                   int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, side).stride(stride).padding(side / 2).bias(false));
}

}  // namespace faceforge::train
