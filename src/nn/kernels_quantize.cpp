#include "nn/kernels_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if defined(__x86_64__)
// g++ 12 warns of the registers that its own header leaves undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace faceforge::nn {
namespace {

/// Below this a pass takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 16;

/// Some channels of a row of pixels: floats `from_step` apart become bytes `to_step` apart.
struct Strip {
  int64_t pixels, channels;
  const float* from;
  int64_t from_step;
  uint8_t* to;
  int64_t to_step;
  const float *scale, *shift, *slope;
  int32_t zero;
};

void quantize_plainly(const Strip& strip) {
  for (int64_t pixel = 0; pixel < strip.pixels; ++pixel) {
    const float* from = strip.from + pixel * strip.from_step;
    uint8_t* to = strip.to + pixel * strip.to_step;
    for (int64_t channel = 0; channel < strip.channels; ++channel) {
      const float linear = from[channel] * strip.scale[channel] + strip.shift[channel];
      const float value = linear < 0 ? linear * strip.slope[channel] : linear;
      // Bounded before it is converted: an integer holds no infinity.
      const float bounded = std::clamp(value, -512.0F, 512.0F);
      const auto rounded = static_cast<int32_t>(std::nearbyint(bounded)) + strip.zero;
      to[channel] = static_cast<uint8_t>(std::clamp(rounded, 0, 255));
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512vl"))) inline __m128i quantize_16(
    __m512 from, __m512 scale, __m512 shift, __m512 slope, __m512i zero) {
  const __m512 linear = _mm512_fmadd_ps(from, scale, shift);
  const __mmask16 below = _mm512_cmp_ps_mask(linear, _mm512_setzero_ps(), _CMP_LT_OQ);
  const __m512 value = _mm512_mask_mul_ps(linear, below, linear, slope);
  const __m512 low = _mm512_max_ps(value, _mm512_set1_ps(-512.0F));
  const __m512 bounded = _mm512_min_ps(low, _mm512_set1_ps(512.0F));
  const __m512i rounded = _mm512_add_epi32(_mm512_cvtps_epi32(bounded), zero);
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(rounded, _mm512_setzero_si512()));
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) void quantize_with_avx512(const Strip& strip) {
  const __m512i zero = _mm512_set1_epi32(strip.zero);
  for (int64_t channel = 0; channel < strip.channels; channel += 16) {
    const auto left = static_cast<unsigned>(std::min<int64_t>(16, strip.channels - channel));
    const auto mask = static_cast<__mmask16>((1U << left) - 1U);
    const __m512 scale = _mm512_maskz_loadu_ps(mask, strip.scale + channel);
    const __m512 shift = _mm512_maskz_loadu_ps(mask, strip.shift + channel);
    const __m512 slope = _mm512_maskz_loadu_ps(mask, strip.slope + channel);
    const float* from = strip.from + channel;
    uint8_t* to = strip.to + channel;
    for (int64_t pixel = 0; pixel < strip.pixels; ++pixel) {
      const __m512 numbers = _mm512_maskz_loadu_ps(mask, from + pixel * strip.from_step);
      const __m128i bytes = quantize_16(numbers, scale, shift, slope, zero);
      _mm_mask_storeu_epi8(to + pixel * strip.to_step, mask, bytes);
    }
  }
}

bool has_avx512() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl");
  return has;
}
#endif

void quantize_strip(const Strip& strip) {
#if defined(__x86_64__)
  if (has_avx512()) return quantize_with_avx512(strip);
#endif
  quantize_plainly(strip);
}

int64_t padded_rows(const QuantizedPictures& pictures) {
  return pictures.top + pictures.rows + pictures.bottom;
}

int64_t padded_columns(const QuantizedPictures& pictures) {
  return pictures.left + pictures.columns + pictures.right;
}

/// One row of one picture, borders included.
void quantize_row(const QuantizedPictures& pictures, int64_t picture, int64_t padded_row,
                  const float* from, uint8_t* to) {
  const int64_t channels = pictures.channels;
  const int64_t row_size = padded_columns(pictures) * channels;
  uint8_t* line = to + (picture * padded_rows(pictures) + padded_row) * row_size;
  const int64_t row = padded_row - pictures.top;
  if (row < 0 || row >= pictures.rows) {
    std::memset(line, pictures.zero, static_cast<size_t>(row_size));
    return;
  }
  std::memset(line, pictures.zero, static_cast<size_t>(pictures.left * channels));
  std::memset(line + (pictures.left + pictures.columns) * channels, pictures.zero,
              static_cast<size_t>(pictures.right * channels));
  const ChannelLayout& layout = pictures.from;
  for (int64_t block = 0; block < layout.block_count; ++block) {
    const int64_t first = block * layout.block;
    const int64_t plane = (picture * layout.block_count + block) * layout.pixels;
    quantize_strip({.pixels = pictures.columns,
                    .channels = std::min(layout.block, channels - first),
                    .from = from + (plane + row * pictures.columns) * layout.block,
                    .from_step = layout.block,
                    .to = line + pictures.left * channels + first,
                    .to_step = channels,
                    .scale = pictures.scale.data() + first,
                    .shift = pictures.shift.data() + first,
                    .slope = pictures.slope.data() + first,
                    .zero = pictures.zero});
  }
}

}  // namespace

int64_t quantized_bytes(const QuantizedPictures& pictures) {
  return pictures.from.batch * padded_rows(pictures) * padded_columns(pictures) * pictures.channels;
}

void quantize_pictures(const QuantizedPictures& pictures, const float* from, uint8_t* to) {
  const int64_t rows = padded_rows(pictures);
#pragma omp parallel for schedule(static) if (quantized_bytes(pictures) > kParallelCount)
  for (int64_t index = 0; index < pictures.from.batch * rows; ++index) {
    quantize_row(pictures, index / rows, index % rows, from, to);
  }
}

void copy_into_border(const BorderedPictures& pictures, const uint8_t* from, uint8_t* to) {
  const int64_t rows = pictures.top + pictures.rows + pictures.bottom;
  const auto left = static_cast<size_t>(pictures.left * pictures.channels);
  const auto right = static_cast<size_t>(pictures.right * pictures.channels);
  const auto middle = static_cast<size_t>(pictures.columns * pictures.channels);
  const size_t row_size = left + middle + right;
#pragma omp parallel for schedule( \
    static) if (pictures.batch * rows * static_cast <int64_t>(row_size) > kParallelCount)
  for (int64_t index = 0; index < pictures.batch * rows; ++index) {
    uint8_t* line = to + static_cast<size_t>(index) * row_size;
    const int64_t picture = index / rows, row = index % rows - pictures.top;
    if (row < 0 || row >= pictures.rows) {
      std::memset(line, pictures.border, row_size);
      continue;
    }
    std::memset(line, pictures.border, left);
    std::memcpy(line + left, from + static_cast<size_t>(picture * pictures.rows + row) * middle,
                middle);
    std::memset(line + left + middle, pictures.border, right);
  }
}

void round_trip(float scale, int32_t zero, int64_t count, const float* from, float* to) {
  const auto offset = static_cast<float>(zero);
  for (int64_t index = 0; index < count; ++index) {
    const float quantized = std::nearbyint(from[index] / scale) + offset;
    to[index] = (std::clamp(quantized, 0.0F, 255.0F) - offset) * scale;
  }
}

}  // namespace faceforge::nn
