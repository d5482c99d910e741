#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace faceforge::nn {

/// A convolution of each channel with 3 x 3 weights of its own, on pictures of unsigned bytes that
/// lie pixel by pixel and have no border in memory. Of a sum of products x it makes f(x * scale +
/// shift), where f multiplies what is below 0 with a slope.
struct ByteDepthwise {
  /// Rows, then columns.
  using Sides = std::array<int64_t, 2>;
  int64_t batch = 1;
  int64_t channels = 1;
  Sides picture{1, 1}, result{1, 1};
  Sides pads{0, 0};         ///< before the first row and column
  int64_t stride = 1;       ///< 1 or 2
  uint8_t source_zero = 0;  ///< what lies beyond the picture
  /// A number for each channel, arranged as `arranged_channels` does.
  std::vector<float> scale = {}, shift = {}, slope = {};
  /// Only the largest of each 2 x 2 results is written, to a picture half as high and wide: where
  /// `halves_depthwise`, of even sizes and slopes that are not negative.
  bool halves = false;
  uint8_t result_zero = 0;  ///< of results in bytes
};

/// Whether this processor has the instructions: AVX-512 with VNNI and VBMI. Heeds
/// DNNL_MAX_CPU_ISA.
[[nodiscard]] bool has_byte_depthwise();

/// Whether there is a kernel for the largest of each 2 x 2 results.
[[nodiscard]] bool halves_depthwise(int64_t channels, int64_t stride);

/// Bytes that the weights of so many channels take once they are arranged.
[[nodiscard]] int64_t depthwise_weight_bytes(int64_t channels, int64_t stride);

/// Weights in the form that `convolve_depthwise` takes.
///
/// in:  `weights` [channel][row][column]
/// out: `to` [block of 16 or 64 channels, or of all for several pixels][column][channel, in an
///      order of the kernel's own][row, the fourth is 0]. Where channels do not fill their last
///      block, it begins early enough to be full.
void arrange_depthwise_weights(int64_t channels, int64_t stride, const int8_t* weights,
                               std::span<int8_t> to);

/// Numbers of channels in the order of `convolve_depthwise`, with zeros for places without one.
[[nodiscard]] std::vector<float> arranged_channels(std::span<const float> numbers, int64_t stride);

/// Convolves pictures without any border in memory.
///
/// in:   `weights` arranged; the processor `has_byte_depthwise`
/// out:  floats, or bytes round(result) + `result_zero` within 0 and 255, halves rounded to even
/// cost: one pass; threads share it when it is large
void convolve_depthwise(const ByteDepthwise& plan, const uint8_t* from, const int8_t* weights,
                        float* to);
void convolve_depthwise(const ByteDepthwise& plan, const uint8_t* from, const int8_t* weights,
                        uint8_t* to);

}  // namespace faceforge::nn
