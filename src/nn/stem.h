#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "nn/kernels.h"

namespace faceforge::nn {

// A network's first convolution reads the few planes of a picture: so few channels that no layout
// of vectors suits them, and oneDNN moves them to another before it convolves. Ours reads the
// planes as they lie, each number times the weights of a vector of the result's channels.

/// Channels of a source that a stem may have.
inline constexpr int64_t kMostStemChannels = 4;

/// Rows and columns of its kernels.
inline constexpr int64_t kStemKernel = 3;

/// A convolution of planes.
struct StemPlan {
  int64_t batch = 1;
  int64_t from_channels = 3, to_channels = 16;
  int64_t lanes = 8;  ///< as of `WinogradPlan`
  /// Rows, then columns.
  using Sides = std::array<int64_t, 2>;
  Sides picture{1, 1}, result{1, 1};
  Sides strides{1, 1};  ///< that of columns is 1 or 2
  Sides pads{0, 0};     ///< above and to the left
  /// The result lies pixel by pixel, each of all its channels, and not in blocks of `lanes`.
  bool is_channels_last = false;
  Quantization bytes{};  ///< of a result in bytes, whose channels are last

  [[nodiscard]] int64_t vector_count() const { return (to_channels + lanes - 1) / lanes; }
  [[nodiscard]] int64_t tap_count() const { return from_channels * kStemKernel * kStemKernel; }
  [[nodiscard]] int64_t weight_count() const { return tap_count() * vector_count() * lanes; }
  /// Floats from a pixel of the result to the next, and between vectors of its channels.
  [[nodiscard]] int64_t pixel_step() const { return is_channels_last ? to_channels : lanes; }
  [[nodiscard]] int64_t vector_step() const {
    return is_channels_last ? lanes : result[0] * result[1] * lanes;
  }
  [[nodiscard]] int64_t picture_size() const {
    return result[0] * result[1] * (is_channels_last ? to_channels : vector_count() * lanes);
  }
};

/// Whether a convolution by 3x3 kernels, `stride` columns apart, is a stem.
[[nodiscard]] constexpr bool suits_stem(int64_t from_channels, int64_t stride) {
  return from_channels <= kMostStemChannels && stride <= 2;
}

/// Kernels in the form that `convolve_stem` takes.
///
/// in:  `kernels` [to_channels][from_channels][3][3]
/// out: `to` of `weight_count()`, [vector][from_channel][row][column][channel in the vector]; zeros
///      where the last vector has no channel
void arrange_stem_kernels(const StemPlan& plan, const float* kernels, std::span<float> to);

/// Convolves `[batch][from_channels][row][column]`.
///
/// in:  `tail` that adds nothing; its numbers fill the last vector
/// out: `to` laid out as `plan` says; zeros in a last block's rest, where the tail leaves them.
///      Bytes are those that `quantize_pictures` makes of the floats
void convolve_stem(const StemPlan& plan, const float* from, const float* weights,
                   const ConvolutionTail& tail, float* to);
void convolve_stem(const StemPlan& plan, const float* from, const float* weights,
                   const ConvolutionTail& tail, uint8_t* to);

}  // namespace faceforge::nn
