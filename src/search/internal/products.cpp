#include "search/internal/products.h"

#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace faceforge::search::internal {
namespace {

/// Rows side by side: each step of the query is loaded once for all of them, and that many
/// independent sums hide the latency of the additions.
constexpr size_t kRowsAtOnce = 4;

void plain(const int8_t* rows, size_t row_count, size_t stride, const int16_t* query,
           int32_t* out) {
  for (size_t row = 0; row < row_count; ++row) {
    const int8_t* const codes = rows + row * stride;
    int32_t sum = 0;
    for (size_t column = 0; column < stride; ++column) sum += codes[column] * query[column];
    out[row] = sum;
  }
}

#if defined(__x86_64__)

// Signed codes are widened to 16 bits and multiplied pair by pair (pmaddwd): no product of bytes
// that saturates, and so the same integers on every machine.

template <size_t kRows>
[[gnu::target("sse4.1"), gnu::always_inline]] inline void sse41_rows(const int8_t* rows,
                                                                     size_t stride,
                                                                     const int16_t* query,
                                                                     int32_t* out) {
  __m128i sums[kRows] = {};
  for (size_t column = 0; column < stride; column += 8) {
    const __m128i wanted = _mm_load_si128(reinterpret_cast<const __m128i*>(query + column));
    for (size_t row = 0; row < kRows; ++row) {
      const __m128i present = _mm_cvtepi8_epi16(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows + row * stride + column)));
      sums[row] = _mm_add_epi32(sums[row], _mm_madd_epi16(present, wanted));
    }
  }
  for (size_t row = 0; row < kRows; ++row) {
    __m128i sum = _mm_add_epi32(sums[row], _mm_shuffle_epi32(sums[row], 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    out[row] = _mm_cvtsi128_si32(sum);
  }
}

[[gnu::target("sse4.1")]] void sse41(const int8_t* rows, size_t row_count, size_t stride,
                                     const int16_t* query, int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    sse41_rows<kRowsAtOnce>(rows + row * stride, stride, query, out + row);
  }
  for (; row < row_count; ++row) sse41_rows<1>(rows + row * stride, stride, query, out + row);
}

[[gnu::target("avx2"), gnu::always_inline]] inline int32_t sum_of(__m256i sums) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum);
}

template <size_t kRows>
[[gnu::target("avx2"), gnu::always_inline]] inline void avx2_rows(const int8_t* rows, size_t stride,
                                                                  const int16_t* query,
                                                                  int32_t* out) {
  __m256i sums[kRows] = {};
  for (size_t column = 0; column < stride; column += 16) {
    const __m256i wanted = _mm256_load_si256(reinterpret_cast<const __m256i*>(query + column));
    for (size_t row = 0; row < kRows; ++row) {
      const __m256i present = _mm256_cvtepi8_epi16(
          _mm_load_si128(reinterpret_cast<const __m128i*>(rows + row * stride + column)));
      sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(present, wanted));
    }
  }
  for (size_t row = 0; row < kRows; ++row) out[row] = sum_of(sums[row]);
}

[[gnu::target("avx2")]] void avx2(const int8_t* rows, size_t row_count, size_t stride,
                                  const int16_t* query, int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    avx2_rows<kRowsAtOnce>(rows + row * stride, stride, query, out + row);
  }
  for (; row < row_count; ++row) avx2_rows<1>(rows + row * stride, stride, query, out + row);
}

#define FACEFORGE_AVX512 "avx512f,avx512bw,avx512vl,avx512vnni"

/// Through memory: g++ 12 warns of its own _mm512_reduce_add_epi32.
[[gnu::target(FACEFORGE_AVX512), gnu::always_inline]] inline int32_t sum_of(__m512i sums) {
  alignas(64) int32_t lanes[16];
  _mm512_store_si512(lanes, sums);
  return sum_of(_mm256_add_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(lanes)),
                                 _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes + 8))));
}

template <size_t kRows>
[[gnu::target(FACEFORGE_AVX512), gnu::always_inline]] inline void avx512_rows(const int8_t* rows,
                                                                              size_t stride,
                                                                              const int16_t* query,
                                                                              int32_t* out) {
  __m512i sums[kRows] = {};
  for (size_t column = 0; column < stride; column += 32) {
    const __m512i wanted = _mm512_load_si512(query + column);
    for (size_t row = 0; row < kRows; ++row) {
      const __m512i present = _mm512_cvtepi8_epi16(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(rows + row * stride + column)));
      sums[row] = _mm512_dpwssd_epi32(sums[row], present, wanted);
    }
  }
  for (size_t row = 0; row < kRows; ++row) out[row] = sum_of(sums[row]);
}

[[gnu::target(FACEFORGE_AVX512)]] void avx512(const int8_t* rows, size_t row_count, size_t stride,
                                              const int16_t* query, int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    avx512_rows<kRowsAtOnce>(rows + row * stride, stride, query, out + row);
  }
  for (; row < row_count; ++row) avx512_rows<1>(rows + row * stride, stride, query, out + row);
}

#endif

using Products = void (*)(const int8_t*, size_t, size_t, const int16_t*, int32_t*);

Products products_of(Instructions instructions) {
  switch (instructions) {
#if defined(__x86_64__)
    case Instructions::Avx512:
      return avx512;
    case Instructions::Avx2:
      return avx2;
    case Instructions::Sse41:
      return sse41;
#endif
    default:
      return plain;
  }
}

}  // namespace

Instructions best_instructions() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return Instructions::Avx512;
  }
  if (__builtin_cpu_supports("avx2")) return Instructions::Avx2;
  if (__builtin_cpu_supports("sse4.1")) return Instructions::Sse41;
#endif
  return Instructions::Plain;
}

void products(const int8_t* rows, size_t row_count, size_t stride, const int16_t* query,
              int32_t* products) {
  static const Products kBest = products_of(best_instructions());
  kBest(rows, row_count, stride, query, products);
}

void products_with(Instructions instructions, const int8_t* rows, size_t row_count, size_t stride,
                   const int16_t* query, int32_t* products) {
  products_of(instructions)(rows, row_count, stride, query, products);
}

}  // namespace faceforge::search::internal
