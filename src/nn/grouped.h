#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "nn/kernels.h"

namespace faceforge::nn {

/// A convolution in groups of a few channels, each of as many results: between the depthwise and
/// the dense ones, for which oneDNN has kernels. InsightFace's MobileFaceNet begins with groups of
/// two; others were not measured, and are left to oneDNN.
struct GroupedPlan {
  int64_t batch = 1;
  int64_t channels = 1;  ///< fill whole blocks of `lanes`
  int64_t group = 2;     ///< channels of one; divides `lanes`
  int64_t lanes = 8;     ///< as of `WinogradPlan`
  /// Rows, then columns.
  using Sides = std::array<int64_t, 2>;
  Sides picture{1, 1}, result{1, 1}, kernel{1, 1}, strides{1, 1}, dilations{1, 1}, pads{0, 0};

  [[nodiscard]] int64_t tap_count() const { return kernel[0] * kernel[1]; }
  [[nodiscard]] int64_t weight_count() const { return channels * group * tap_count(); }
};

/// Kernels in the form that `convolve_groups` takes.
///
/// in:  `kernels` [channels][group][kernel rows][kernel columns]
/// out: `to` [channels / lanes][tap][turn][lane]: of each channel's group the member that is `turn`
///      places further round
void arrange_group_kernels(const GroupedPlan& plan, const float* kernels, std::span<float> to);

/// Convolves pictures laid out as for `convolve` of winograd.h. `to` is not `from`.
void convolve_groups(const GroupedPlan& plan, const float* from, const float* weights,
                     const ConvolutionTail& tail, float* to);

}  // namespace faceforge::nn
