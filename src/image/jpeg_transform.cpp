#include "image/internal/jpeg_transform.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace faceforge::image::internal {

#if defined(__x86_64__)

bool has_jpeg_instructions() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned features = 0;
  unsigned d = 0;
  const bool has_movbe = __get_cpuid(1, &a, &b, &features, &d) != 0 && (features & bit_MOVBE) != 0;
  return has_movbe && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 &&
         __builtin_cpu_supports("bmi2") != 0;
}

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")

namespace {

// Numbers of the transform are multiplied by 2^13; those between its two passes by 2^2.
constexpr int kScale_bits = 13;
constexpr int kBetween_bits = 2;

constexpr int fixed(double value) {
  return static_cast<int>(value * (1 << kScale_bits) + 0.5);
}

constexpr int k0_211 = fixed(0.211164243);
constexpr int k0_298 = fixed(0.298631336);
constexpr int k0_390 = fixed(0.390180644);
constexpr int k0_509 = fixed(0.509795579);
constexpr int k0_541 = fixed(0.541196100);
constexpr int k0_601 = fixed(0.601344887);
constexpr int k0_720 = fixed(0.720959822);
constexpr int k0_765 = fixed(0.765366865);
constexpr int k0_850 = fixed(0.850430095);
constexpr int k0_899 = fixed(0.899976223);
constexpr int k1_061 = fixed(1.061594337);
constexpr int k1_175 = fixed(1.175875602);
constexpr int k1_272 = fixed(1.272758580);
constexpr int k1_451 = fixed(1.451774981);
constexpr int k1_501 = fixed(1.501321110);
constexpr int k1_847 = fixed(1.847759065);
constexpr int k1_961 = fixed(1.961570560);
constexpr int k2_053 = fixed(2.053119869);
constexpr int k2_172 = fixed(2.172734803);
constexpr int k2_562 = fixed(2.562915447);
constexpr int k3_072 = fixed(3.072711026);
constexpr int k3_624 = fixed(3.624509785);

/// Two coefficients of each of several lines of a block, one after the other.
struct Wide {  // eight lines
  using Vector = __m256i;
  static Vector dot(Vector pairs, int first, int second) {
    return _mm256_madd_epi16(pairs, _mm256_set1_epi32(static_cast<int>(
                                        static_cast<uint32_t>(second) << 16 | (first & 0xFFFF))));
  }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm256_sub_epi32(a, b); }
  template <int kBits>
  static Vector rounded(Vector sum) {
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (kBits - 1))), kBits);
  }
};

struct Narrow {  // four lines
  using Vector = __m128i;
  static Vector dot(Vector pairs, int first, int second) {
    return _mm_madd_epi16(
        pairs,
        _mm_set1_epi32(static_cast<int>(static_cast<uint32_t>(second) << 16 | (first & 0xFFFF))));
  }
  static Vector add(Vector a, Vector b) { return _mm_add_epi32(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm_sub_epi32(a, b); }
  template <int kBits>
  static Vector rounded(Vector sum) {
    return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << (kBits - 1))), kBits);
  }
};

/// Pairs of coefficients that are multiplied together: `at_15` those of places 1 and 5.
template <typename Lines>
struct Pairs {
  typename Lines::Vector at_04, at_15, at_26, at_37;
};

/// Eight samples of each line. Sums of products, which libjpeg's order of multiplying, made for few
/// multiplications, comes to as well.
template <int kBits>
[[gnu::always_inline]] inline void transform_8(const Pairs<Wide>& pairs, __m256i (&out)[8]) {
  const auto sum = [&](int c1, int c3, int c5, int c7) {
    return Wide::add(Wide::dot(pairs.at_15, c1, c5), Wide::dot(pairs.at_37, c3, c7));
  };
  constexpr int kOne = 1 << kScale_bits;
  const __m256i middle = Wide::dot(pairs.at_04, kOne, kOne);
  const __m256i middle_less = Wide::dot(pairs.at_04, kOne, -kOne);
  const __m256i wave = Wide::dot(pairs.at_26, k0_541 + k0_765, k0_541);
  const __m256i wave_less = Wide::dot(pairs.at_26, k0_541, k0_541 - k1_847);
  const __m256i even[4] = {Wide::add(middle, wave), Wide::add(middle_less, wave_less),
                           Wide::sub(middle_less, wave_less), Wide::sub(middle, wave)};
  const __m256i odd[4] = {
      sum(k1_501 - k0_899 - k0_390 + k1_175, k1_175, k1_175 - k0_390, k1_175 - k0_899),
      sum(k1_175, k3_072 - k2_562 - k1_961 + k1_175, k1_175 - k2_562, k1_175 - k1_961),
      sum(k1_175 - k0_390, k1_175 - k2_562, k2_053 - k2_562 - k0_390 + k1_175, k1_175),
      sum(k1_175 - k0_899, k1_175 - k1_961, k1_175, k0_298 - k0_899 - k1_961 + k1_175)};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    out[i] = Wide::rounded<kBits>(Wide::add(even[i], odd[i]));
    out[7 - i] = Wide::rounded<kBits>(Wide::sub(even[i], odd[i]));
  }
}

/// Four samples of each line.
template <int kBits, typename Lines>
[[gnu::always_inline]] inline void transform_4(const Pairs<Lines>& pairs,
                                               typename Lines::Vector (&out)[4]) {
  const auto middle = Lines::dot(pairs.at_04, 1 << (kScale_bits + 1), 0);
  const auto wave = Lines::dot(pairs.at_26, k1_847, -k0_765);
  const auto outer = Lines::add(middle, wave);
  const auto inner = Lines::sub(middle, wave);
  const auto outer_odd = Lines::add(Lines::dot(pairs.at_15, k2_562, -k0_601),
                                    Lines::dot(pairs.at_37, k0_899, -k0_509));
  const auto inner_odd = Lines::add(Lines::dot(pairs.at_15, k1_061, k1_451),
                                    Lines::dot(pairs.at_37, -k2_172, -k0_211));
  out[0] = Lines::template rounded<kBits>(Lines::add(outer, outer_odd));
  out[1] = Lines::template rounded<kBits>(Lines::add(inner, inner_odd));
  out[2] = Lines::template rounded<kBits>(Lines::sub(inner, inner_odd));
  out[3] = Lines::template rounded<kBits>(Lines::sub(outer, outer_odd));
}

/// Two samples of each line.
template <int kBits>
[[gnu::always_inline]] inline void transform_2(const Pairs<Wide>& pairs, __m256i (&out)[2]) {
  const __m256i middle = _mm256_slli_epi32(Wide::dot(pairs.at_04, 1 << (kScale_bits + 1), 0), 1);
  const __m256i odd =
      Wide::add(Wide::dot(pairs.at_15, k3_624, k0_850), Wide::dot(pairs.at_37, -k1_272, -k0_720));
  out[0] = Wide::rounded<kBits>(Wide::add(middle, odd));
  out[1] = Wide::rounded<kBits>(Wide::sub(middle, odd));
}

[[gnu::always_inline]] inline __m256i interleaved(__m128i first, __m128i second) {
  return _mm256_set_m128i(_mm_unpackhi_epi16(first, second), _mm_unpacklo_epi16(first, second));
}

__m128i low(__m256i vector) {
  return _mm256_castsi256_si128(vector);
}

__m128i high(__m256i vector) {
  return _mm256_extracti128_si256(vector, 1);
}

/// The columns of a block, dequantized.
[[gnu::always_inline]] inline Pairs<Wide> columns_of(const int16_t* coefficients,
                                                     const uint16_t* quantization) {
  const auto row = [&](int index) {
    const auto* const from = reinterpret_cast<const __m128i*>(coefficients) + index;
    const auto* const steps = reinterpret_cast<const __m128i*>(quantization) + index;
    return _mm_mullo_epi16(_mm_load_si128(from), _mm_loadu_si128(steps));
  };
  return {interleaved(row(0), row(4)), interleaved(row(1), row(5)), interleaved(row(2), row(6)),
          interleaved(row(3), row(7))};
}

/// Lines of eight numbers become eight lines: in the result the line 0 before 4, 1 before 5, ...
struct Turned {
  __m256i at_04, at_15, at_26, at_37;
};

[[gnu::always_inline]] inline __m256i two_lines(__m256i first, __m256i second) {
  const __m256i together = _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0,
                                            1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
  return _mm256_shuffle_epi8(_mm256_packs_epi32(first, second), together);
}

[[gnu::always_inline]] inline Turned turned(const __m256i (&lines)[8]) {
  const __m256i at_01 = two_lines(lines[0], lines[1]);
  const __m256i at_23 = two_lines(lines[2], lines[3]);
  const __m256i at_45 = two_lines(lines[4], lines[5]);
  const __m256i at_67 = two_lines(lines[6], lines[7]);
  const __m256i first_low = _mm256_unpacklo_epi32(at_01, at_23);
  const __m256i first_high = _mm256_unpackhi_epi32(at_01, at_23);
  const __m256i last_low = _mm256_unpacklo_epi32(at_45, at_67);
  const __m256i last_high = _mm256_unpackhi_epi32(at_45, at_67);
  return {_mm256_unpacklo_epi64(first_low, last_low), _mm256_unpackhi_epi64(first_low, last_low),
          _mm256_unpacklo_epi64(first_high, last_high),
          _mm256_unpackhi_epi64(first_high, last_high)};
}

/// The rows of a block after its columns.
[[gnu::always_inline]] inline Pairs<Wide> rows_of(const Turned& rows) {
  return {interleaved(low(rows.at_04), high(rows.at_04)),
          interleaved(low(rows.at_15), high(rows.at_15)),
          interleaved(low(rows.at_26), high(rows.at_26)),
          interleaved(low(rows.at_37), high(rows.at_37))};
}

/// From -128 to 127 into 0 to 255.
__m256i as_samples(__m256i first, __m256i second) {
  return _mm256_xor_si256(_mm256_packs_epi16(first, second), _mm256_set1_epi8(-128));
}

[[gnu::always_inline]] inline void store_row(uint8_t* to, __m128i rows, bool is_second) {
  const int64_t row = is_second ? _mm_extract_epi64(rows, 1) : _mm_cvtsi128_si64(rows);
  std::memcpy(to, &row, sizeof row);
}

void inverse_8(const int16_t* coefficients, const uint16_t* quantization, uint8_t* samples,
               size_t stride) {
  __m256i lines[8];
  transform_8<kScale_bits - kBetween_bits>(columns_of(coefficients, quantization), lines);
  const Turned rows = turned(lines);
  transform_8<kScale_bits + kBetween_bits + 3>(rows_of(rows), lines);
  const Turned out = turned(lines);
  const __m256i at_0145 = as_samples(out.at_04, out.at_15);
  const __m256i at_2367 = as_samples(out.at_26, out.at_37);
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    uint8_t* const to = samples + static_cast<size_t>(half) * 4 * stride;
    const __m128i at_01 = half == 0 ? low(at_0145) : high(at_0145);
    const __m128i at_23 = half == 0 ? low(at_2367) : high(at_2367);
    store_row(to, at_01, false);
    store_row(to + stride, at_01, true);
    store_row(to + 2 * stride, at_23, false);
    store_row(to + 3 * stride, at_23, true);
  }
}

void inverse_4(const int16_t* coefficients, const uint16_t* quantization, uint8_t* samples,
               size_t stride) {
  __m256i lines[4];
  transform_4<kScale_bits - kBetween_bits + 1, Wide>(columns_of(coefficients, quantization), lines);
  const __m256i at_01 = two_lines(lines[0], lines[1]);
  const __m256i at_23 = two_lines(lines[2], lines[3]);
  const __m256i columns_0145 = _mm256_unpacklo_epi32(at_01, at_23);
  const __m256i columns_2367 = _mm256_unpackhi_epi32(at_01, at_23);
  const Pairs<Narrow> rows = {_mm_unpacklo_epi16(low(columns_0145), high(columns_0145)),
                              _mm_unpackhi_epi16(low(columns_0145), high(columns_0145)),
                              _mm_unpacklo_epi16(low(columns_2367), high(columns_2367)),
                              _mm_unpackhi_epi16(low(columns_2367), high(columns_2367))};
  __m128i columns[4];
  transform_4<kScale_bits + kBetween_bits + 4, Narrow>(rows, columns);
  const __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(columns[0], columns[1]),
                                        _mm_packs_epi32(columns[2], columns[3]));
  const __m128i row_by_row =
      _mm_shuffle_epi8(_mm_xor_si128(bytes, _mm_set1_epi8(-128)),
                       _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const int samples_of_rows[4] = {
      _mm_extract_epi32(row_by_row, 0), _mm_extract_epi32(row_by_row, 1),
      _mm_extract_epi32(row_by_row, 2), _mm_extract_epi32(row_by_row, 3)};
#pragma GCC unroll 4
  for (size_t row = 0; row < 4; ++row)
    std::memcpy(samples + row * stride, &samples_of_rows[row], 4);
}

void inverse_2(const int16_t* coefficients, const uint16_t* quantization, uint8_t* samples,
               size_t stride) {
  __m256i lines[8] = {};
  __m256i columns[2];
  transform_2<kScale_bits - kBetween_bits + 2>(columns_of(coefficients, quantization), columns);
  lines[0] = columns[0];
  lines[1] = columns[1];
  const Turned rows = turned(lines);
  transform_2<kScale_bits + kBetween_bits + 5>(rows_of(rows), columns);
  for (size_t column = 0; column < 2; ++column) {
    const int64_t both = _mm_cvtsi128_si64(low(columns[column]));
    const auto clamped = [](int64_t sample) {
      return static_cast<uint8_t>(std::clamp(static_cast<int>(sample) + 128, 0, 255));
    };
    samples[column] = clamped(static_cast<int32_t>(both));
    samples[stride + column] = clamped(both >> 32);
  }
}

}  // namespace

void fill_block(int side_px, int dc, int quantization, uint8_t* samples, size_t stride) {
  const int value = (static_cast<int16_t>(dc * quantization) + 4) >> 3;
  const auto sample = static_cast<uint8_t>(std::clamp(value + 128, 0, 255));
  const uint64_t row = 0x0101010101010101U * sample;
  for (int y = 0; y < side_px; ++y) {
    std::memcpy(samples + static_cast<size_t>(y) * stride, &row, sizeof row);
  }
}

void inverse_transform(int side_px, const int16_t* coefficients, const uint16_t* quantization,
                       uint8_t* samples, size_t stride) {
  switch (side_px) {
    case 8:
      return inverse_8(coefficients, quantization, samples, stride);
    case 4:
      return inverse_4(coefficients, quantization, samples, stride);
    case 2:
      return inverse_2(coefficients, quantization, samples, stride);
    default:
      return fill_block(1, coefficients[0], quantization[0], samples, stride);
  }
}

namespace {

/// 16 pixels of three planes, pixel by pixel.
[[gnu::always_inline]] inline void store_interleaved(__m128i red, __m128i green, __m128i blue,
                                                     uint8_t* to) {
  const auto placed = [&](__m128i r, __m128i g, __m128i b) {
    return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(red, r), _mm_shuffle_epi8(green, g)),
                        _mm_shuffle_epi8(blue, b));
  };
  const __m128i first =
      placed(_mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5),
             _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1),
             _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1));
  const __m128i second =
      placed(_mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1),
             _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10),
             _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1));
  const __m128i third =
      placed(_mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1),
             _mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1),
             _mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), second);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 32), third);
}

__m256i widened(const uint8_t* samples) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(samples)));
}

__m128i clamped(__m256i values) {
  return _mm_packus_epi16(low(values), high(values));
}

/// round(value * factor / 2^16) of values up to 128: (floor(2 value factor / 2^16) + 1) / 2.
__m256i scaled(__m256i value, int factor) {
  const __m256i twice = _mm256_add_epi16(value, value);
  const __m256i product =
      _mm256_mulhi_epi16(twice, _mm256_set1_epi16(static_cast<int16_t>(factor)));
  return _mm256_srai_epi16(_mm256_add_epi16(product, _mm256_set1_epi16(1)), 1);
}

/// Factors of colours are those of JFIF, multiplied by this; less the whole numbers that make them
/// fit 16 bits.
constexpr int kOne = 1 << 16;

/// The sum of blue's and red's share in green, of each pair of the two.
__m256i green_share(__m256i pairs) {
  constexpr int kGreen_blue = -22554;
  constexpr int kGreen_red = kOne - 46802;
  return Wide::rounded<16>(Wide::dot(pairs, kGreen_blue, kGreen_red));
}

/// 16 pixels.
[[gnu::always_inline]] inline void convert_16(const uint8_t* luma, const uint8_t* blue,
                                              const uint8_t* red, uint8_t* rgb) {
  constexpr int kRed_red = 91881 - kOne;
  constexpr int kBlue_blue = 116130 - 2 * kOne;
  const __m256i zero_point = _mm256_set1_epi16(128);
  const __m256i y = widened(luma);
  const __m256i cb = _mm256_sub_epi16(widened(blue), zero_point);
  const __m256i cr = _mm256_sub_epi16(widened(red), zero_point);
  const __m256i r = _mm256_add_epi16(_mm256_add_epi16(y, cr), scaled(cr, kRed_red));
  const __m256i b =
      _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(cb, cb)), scaled(cb, kBlue_blue));
  const __m256i green = _mm256_packs_epi32(green_share(_mm256_unpacklo_epi16(cb, cr)),
                                           green_share(_mm256_unpackhi_epi16(cb, cr)));
  const __m256i g = _mm256_add_epi16(_mm256_sub_epi16(y, cr), green);
  store_interleaved(clamped(r), clamped(g), clamped(b), rgb);
}

constexpr int kPixelsAtOnce = 16;
constexpr int kRgb_bytes = 3;

}  // namespace

void ycbcr_to_rgb(const uint8_t* luma, const uint8_t* blue, const uint8_t* red, int width_px,
                  uint8_t* rgb) {
  int x = 0;
  for (; x + kPixelsAtOnce <= width_px; x += kPixelsAtOnce) {
    convert_16(luma + x, blue + x, red + x, rgb + static_cast<ptrdiff_t>(x) * kRgb_bytes);
  }
  if (x == width_px) return;
  std::array<uint8_t, static_cast<size_t>(kPixelsAtOnce * kRgb_bytes)> last;
  convert_16(luma + x, blue + x, red + x, last.data());
  std::copy_n(last.begin(), (width_px - x) * kRgb_bytes,
              rgb + static_cast<ptrdiff_t>(x) * kRgb_bytes);
}

void widen(const uint8_t* samples, int count, bool is_smooth, uint8_t* twice) {
  constexpr int kSmoothFrom = 3;  // libjpeg's own limit
  const bool is_repeated = !is_smooth || count < kSmoothFrom;
  for (int x = 0; x < count; ++x) {
    const int here = samples[x];
    const int before = is_repeated || x == 0 ? here : samples[x - 1];
    const int after = is_repeated || x + 1 == count ? here : samples[x + 1];
    twice[2 * x] = static_cast<uint8_t>((3 * here + before + 1) >> 2);
    twice[2 * x + 1] = static_cast<uint8_t>((3 * here + after + 2) >> 2);
  }
}

void grey_to_rgb(const uint8_t* luma, int width_px, uint8_t* rgb) {
  for (int x = 0; x < width_px; ++x)
    std::fill_n(rgb + static_cast<ptrdiff_t>(x) * kRgb_bytes, kRgb_bytes, luma[x]);
}

#pragma GCC pop_options

#endif

}  // namespace faceforge::image::internal
