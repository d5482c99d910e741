#include "nn/kernels_quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "nn/always_inline.h"
#include "nn/processor.h"

#if defined(__x86_64__)
// g++ 12 warns of the registers that its own header leaves undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace faceforge::nn {
namespace {

/// Below this a pass takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 14;

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
      // Bounded before it is converted: an integer holds no infinity, nor what is no number.
      const float bounded = !(value > -512.0F) ? -512.0F : std::min(value, 512.0F);
      const auto rounded = static_cast<int32_t>(std::nearbyint(bounded)) + strip.zero;
      to[channel] = static_cast<uint8_t>(std::clamp(rounded, 0, 255));
    }
  }
}

#if defined(__x86_64__)
#define FACEFORGE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,fma")))

/// As q = round(f(x * scale + shift)) + zero says, before it is bounded.
FACEFORGE_AVX512 FACEFORGE_INLINE __m512i rounded_16(__m512 from, __m512 scale, __m512 shift,
                                                     __m512 slope) {
  const __m512 linear = _mm512_fmadd_ps(from, scale, shift);
  const __mmask16 below = _mm512_cmp_ps_mask(linear, _mm512_setzero_ps(), _CMP_LT_OQ);
  const __m512 value = _mm512_mask_mul_ps(linear, below, linear, slope);
  // Of what is no number and another the maximum is the second.
  const __m512 low = _mm512_max_ps(value, _mm512_set1_ps(-512.0F));
  return _mm512_cvtps_epi32(_mm512_min_ps(low, _mm512_set1_ps(512.0F)));
}

/// Up to 64 channels of a strip, pixel by pixel: memory is read in its order.
template <int kVectors>
FACEFORGE_AVX512 void quantize_channels(const Strip& strip, int64_t channel) {
  const auto left = static_cast<unsigned>(strip.channels - channel - (kVectors - 1) * 16);
  const auto last = static_cast<__mmask16>(left >= 16 ? 0xFFFFU : (1U << left) - 1U);
  __m512 scale[kVectors], shift[kVectors], slope[kVectors];
#pragma GCC unroll 4
  for (int vector = 0; vector < kVectors; ++vector) {
    const __mmask16 mask = vector + 1 < kVectors ? __mmask16{0xFFFF} : last;
    const int64_t at = channel + vector * 16;
    scale[vector] = _mm512_maskz_loadu_ps(mask, strip.scale + at);
    shift[vector] = _mm512_maskz_loadu_ps(mask, strip.shift + at);
    slope[vector] = _mm512_maskz_loadu_ps(mask, strip.slope + at);
  }
  const __m512i zero = _mm512_set1_epi32(strip.zero);
  const float* from = strip.from + channel;
  uint8_t* to = strip.to + channel;
  for (int64_t pixel = 0; pixel < strip.pixels; ++pixel) {
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector) {
      const __mmask16 mask = vector + 1 < kVectors ? __mmask16{0xFFFF} : last;
      const __m512 numbers = _mm512_maskz_loadu_ps(mask, from + vector * 16);
      const __m512i moved =
          _mm512_add_epi32(rounded_16(numbers, scale[vector], shift[vector], slope[vector]), zero);
      const __m512i positive = _mm512_max_epi32(moved, _mm512_setzero_si512());
      _mm_mask_storeu_epi8(to + vector * 16, mask, _mm512_cvtusepi32_epi8(positive));
    }
    from += strip.from_step;
    to += strip.to_step;
  }
}

FACEFORGE_AVX512 void quantize_by_channels(const Strip& strip) {
  for (int64_t channel = 0; channel < strip.channels; channel += 64) {
    const int64_t left = strip.channels - channel;
    const auto quantize = left > 48   ? quantize_channels<4>
                          : left > 32 ? quantize_channels<3>
                          : left > 16 ? quantize_channels<2>
                                      : quantize_channels<1>;
    quantize(strip, channel);
  }
}

void quantize_with_avx512(const Strip& strip) {
  constexpr int64_t kRoom = 64;
  const int64_t channels = strip.channels, pixels_at_once = kRoom / channels;
  const bool are_dense = strip.from_step == channels && strip.to_step == channels;
  if (!are_dense || pixels_at_once < 2 || strip.pixels < 4 * pixels_at_once) {
    return quantize_by_channels(strip);
  }
  // Few channels fill no vectors: several pixels are as one of all their channels.
  std::array<float, kRoom> scale, shift, slope;
  const int64_t step = pixels_at_once * channels;
  for (int64_t at = 0; at < step; at += channels) {
    std::copy_n(strip.scale, channels, scale.data() + at);
    std::copy_n(strip.shift, channels, shift.data() + at);
    std::copy_n(strip.slope, channels, slope.data() + at);
  }
  const int64_t groups = strip.pixels / pixels_at_once;
  quantize_by_channels({.pixels = groups,
                        .channels = step,
                        .from = strip.from,
                        .from_step = step,
                        .to = strip.to,
                        .to_step = step,
                        .scale = scale.data(),
                        .shift = shift.data(),
                        .slope = slope.data(),
                        .zero = strip.zero});
  Strip rest = strip;
  rest.pixels -= groups * pixels_at_once;
  rest.from += groups * step;
  rest.to += groups * step;
  quantize_by_channels(rest);
}

bool has_avx512() {
  static const bool has = instruction_set() >= InstructionSet::Avx512 &&
                          __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
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

/// One row of one picture, borders included.
void quantize_row(const QuantizedPictures& pictures, int64_t picture, int64_t result_row,
                  const float* from, uint8_t* to) {
  const int64_t channels = pictures.channels;
  const int64_t row_size = pictures.result_columns() * channels;
  uint8_t* line = to + (picture * pictures.result_rows() + result_row) * row_size;
  const int64_t row = result_row - pictures.top;
  if (row < 0 || row >= pictures.taken_rows()) {
    std::memset(line, pictures.zero, static_cast<size_t>(row_size));
    return;
  }
  std::memset(line, pictures.zero, static_cast<size_t>(pictures.left * channels));
  std::memset(line + (pictures.left + pictures.taken_columns()) * channels, pictures.zero,
              static_cast<size_t>(pictures.right * channels));
  const ChannelLayout& layout = pictures.from;
  for (int64_t block = 0; block < layout.block_count; ++block) {
    const int64_t first = block * layout.block;
    const int64_t plane = (picture * layout.block_count + block) * layout.pixels;
    quantize_strip(
        {.pixels = pictures.taken_columns(),
         .channels = std::min(layout.block, channels - first),
         .from = from + (plane + row * pictures.row_step * pictures.columns) * layout.block,
         .from_step = layout.block * pictures.column_step,
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
  return pictures.from.batch * pictures.result_rows() * pictures.result_columns() *
         pictures.channels;
}

void quantize_pictures(const QuantizedPictures& pictures, const float* from, uint8_t* to) {
  const int64_t rows = pictures.result_rows();
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
  const bool is_large = pictures.batch * rows * static_cast<int64_t>(row_size) > kParallelCount;
#pragma omp parallel for schedule(static) if (is_large)
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
