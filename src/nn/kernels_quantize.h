#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/kernels.h"

namespace faceforge::nn {

/// How pictures of floats become pictures of bytes, pixels of all their channels, with a border:
/// q = round(f(x * scale + shift)) + zero within 0 and 255, where f multiplies what is below 0 with
/// a slope, and the border is `zero`. Scale, shift and slope are one number a channel.
struct QuantizedPictures {
  ChannelLayout from;
  int64_t channels = 1;
  int64_t rows = 1, columns = 1;          ///< of `from`: its pixels
  int64_t row_step = 1, column_step = 1;  ///< the first of so many is taken
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  std::vector<float> scale = {}, shift = {}, slope = {};
  int32_t zero = 0;

  [[nodiscard]] int64_t taken_rows() const { return (rows + row_step - 1) / row_step; }
  [[nodiscard]] int64_t taken_columns() const { return (columns + column_step - 1) / column_step; }
  [[nodiscard]] int64_t result_rows() const { return top + taken_rows() + bottom; }
  [[nodiscard]] int64_t result_columns() const { return left + taken_columns() + right; }
};

/// Bytes of the quantized pictures.
[[nodiscard]] int64_t quantized_bytes(const QuantizedPictures& pictures);

/// Quantizes pictures. Halves round to even; what is no number becomes 0.
///
/// cost: one pass; threads share it when it is large
void quantize_pictures(const QuantizedPictures& pictures, const float* from, uint8_t* to);

/// Pictures of bytes, pixels of all their channels, that are to get a border of one byte.
struct BorderedPictures {
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t rows = 1, columns = 1;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  uint8_t border = 0;
};

/// Copies pictures into the middle of larger ones.
///
/// cost: one pass; threads share it when it is large
void copy_into_border(const BorderedPictures& pictures, const uint8_t* from, uint8_t* to);

/// Brings floats to the nearest that a byte of this scale and zero point holds.
void round_trip(float scale, int32_t zero, int64_t count, const float* from, float* to);

}  // namespace faceforge::nn
