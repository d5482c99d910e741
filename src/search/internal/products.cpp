#include "search/internal/products.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace faceforge::search::internal {
namespace {

/// Queries of which each row's codes serve all once they are loaded and widened, and rows of which
/// each step of a query does: eight sums, which stay in registers and hide each other's latency.
constexpr size_t kQueriesAtOnce = 4;
constexpr size_t kRowsAtOnce = 2;

/// How far before its turn a query's next bytes are asked for on Intel's processors with AVX-512: a
/// page. They look ahead by themselves within a page alone. A Zen 4 looks further, and asking it
/// cost it a tenth of its speed (decision 11).
constexpr size_t kAhead_bytes = 4096;

/// Products of rows with queries; those of a query begin `row_count` after the one before.
using Products = void (*)(const int8_t* rows, size_t row_count, size_t stride,
                          const int16_t* const* queries, int32_t* out);

void plain(const int8_t* rows, size_t row_count, size_t stride, const int16_t* const* queries,
           int32_t* out) {
  for (size_t row = 0; row < row_count; ++row) {
    const int8_t* const codes = rows + row * stride;
    uint32_t sum = 0;  // wraps, like the sums below, for codes that a damaged file may hold
    for (size_t column = 0; column < stride; ++column) {
      sum += static_cast<uint32_t>(codes[column] * queries[0][column]);
    }
    out[row] = static_cast<int32_t>(sum);
  }
}

#if defined(__x86_64__)

// Signed codes are widened to 16 bits and multiplied pair by pair (pmaddwd): no product of bytes
// that saturates, and so the same integers on every machine. The loops over sums are unrolled by
// decree: g++ -O2 keeps the sums in memory otherwise, at a third of the speed. A lone query goes
// through the rows byte by byte, with several sums a row: the processor fetches one stream ahead at
// the speed of memory, and not two rows side by side.

[[gnu::target("sse4.1"), gnu::always_inline]] inline int32_t sum_of(__m128i sums) {
  const __m128i sum = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1)));
}

[[gnu::target("sse4.1")]] void sse41_one(const int8_t* rows, size_t row_count, size_t stride,
                                         const int16_t* const* queries, int32_t* out) {
  const int16_t* const query = queries[0];
  for (size_t row = 0; row < row_count; ++row) {
    __m128i sums[4] = {};
    for (size_t column = 0; column < stride; column += 32) {
#pragma GCC unroll 8
      for (size_t lane = 0; lane < 4; ++lane) {
        const size_t place = column + lane * 8;
        const int8_t* const codes = rows + row * stride + place;
        const __m128i present =
            _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
        const __m128i wanted = _mm_load_si128(reinterpret_cast<const __m128i*>(query + place));
        sums[lane] = _mm_add_epi32(sums[lane], _mm_madd_epi16(present, wanted));
      }
    }
    out[row] =
        sum_of(_mm_add_epi32(_mm_add_epi32(sums[0], sums[1]), _mm_add_epi32(sums[2], sums[3])));
  }
}

template <size_t kRows>
[[gnu::target("sse4.1"), gnu::always_inline]] inline void sse41_tile(const int8_t* rows,
                                                                     size_t stride,
                                                                     const int16_t* const* queries,
                                                                     int32_t* out,
                                                                     size_t row_count) {
  __m128i sums[kRows][kQueriesAtOnce] = {};
  for (size_t column = 0; column < stride; column += 8) {
#pragma GCC unroll 8
    for (size_t row = 0; row < kRows; ++row) {
      const __m128i present = _mm_cvtepi8_epi16(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows + row * stride + column)));
#pragma GCC unroll 8
      for (size_t query = 0; query < kQueriesAtOnce; ++query) {
        const __m128i wanted =
            _mm_load_si128(reinterpret_cast<const __m128i*>(queries[query] + column));
        sums[row][query] = _mm_add_epi32(sums[row][query], _mm_madd_epi16(present, wanted));
      }
    }
  }
#pragma GCC unroll 8
  for (size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
    for (size_t query = 0; query < kQueriesAtOnce; ++query) {
      out[query * row_count + row] = sum_of(sums[row][query]);
    }
  }
}

[[gnu::target("sse4.1")]] void sse41_several(const int8_t* rows, size_t row_count, size_t stride,
                                             const int16_t* const* queries, int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    sse41_tile<kRowsAtOnce>(rows + row * stride, stride, queries, out + row, row_count);
  }
  for (; row < row_count; ++row) {
    sse41_tile<1>(rows + row * stride, stride, queries, out + row, row_count);
  }
}

[[gnu::target("avx2"), gnu::always_inline]] inline int32_t sum_of(__m256i sums) {
  return sum_of(_mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
}

[[gnu::target("avx2")]] void avx2_one(const int8_t* rows, size_t row_count, size_t stride,
                                      const int16_t* const* queries, int32_t* out) {
  const int16_t* const query = queries[0];
  for (size_t row = 0; row < row_count; ++row) {
    __m256i sums[4] = {};
    for (size_t column = 0; column < stride; column += 64) {
#pragma GCC unroll 8
      for (size_t lane = 0; lane < 4; ++lane) {
        const size_t place = column + lane * 16;
        const int8_t* const codes = rows + row * stride + place;
        const __m256i present =
            _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(codes)));
        const __m256i wanted = _mm256_load_si256(reinterpret_cast<const __m256i*>(query + place));
        sums[lane] = _mm256_add_epi32(sums[lane], _mm256_madd_epi16(present, wanted));
      }
    }
    out[row] = sum_of(
        _mm256_add_epi32(_mm256_add_epi32(sums[0], sums[1]), _mm256_add_epi32(sums[2], sums[3])));
  }
}

template <size_t kRows>
[[gnu::target("avx2"), gnu::always_inline]] inline void avx2_tile(const int8_t* rows, size_t stride,
                                                                  const int16_t* const* queries,
                                                                  int32_t* out, size_t row_count) {
  __m256i sums[kRows][kQueriesAtOnce] = {};
  for (size_t column = 0; column < stride; column += 16) {
#pragma GCC unroll 8
    for (size_t row = 0; row < kRows; ++row) {
      const int8_t* const codes = rows + row * stride + column;
      const __m256i present =
          _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(codes)));
#pragma GCC unroll 8
      for (size_t query = 0; query < kQueriesAtOnce; ++query) {
        const __m256i wanted =
            _mm256_load_si256(reinterpret_cast<const __m256i*>(queries[query] + column));
        sums[row][query] = _mm256_add_epi32(sums[row][query], _mm256_madd_epi16(present, wanted));
      }
    }
  }
#pragma GCC unroll 8
  for (size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
    for (size_t query = 0; query < kQueriesAtOnce; ++query) {
      out[query * row_count + row] = sum_of(sums[row][query]);
    }
  }
}

[[gnu::target("avx2")]] void avx2_several(const int8_t* rows, size_t row_count, size_t stride,
                                          const int16_t* const* queries, int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    avx2_tile<kRowsAtOnce>(rows + row * stride, stride, queries, out + row, row_count);
  }
  for (; row < row_count; ++row) {
    avx2_tile<1>(rows + row * stride, stride, queries, out + row, row_count);
  }
}

#define FACEFORGE_AVX512 "avx512f,avx512bw,avx512vl,avx512vnni"

/// Through memory: g++ 12 warns of its own _mm512_reduce_add_epi32.
[[gnu::target(FACEFORGE_AVX512), gnu::always_inline]] inline int32_t sum_of(__m512i sums) {
  alignas(64) int32_t lanes[16];
  _mm512_store_si512(lanes, sums);
  return sum_of(_mm256_add_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(lanes)),
                                 _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes + 8))));
}

/// in: `kAsks` whether to ask for bytes before their turn
template <bool kAsks>
[[gnu::target(FACEFORGE_AVX512)]] void avx512_one(const int8_t* rows, size_t row_count,
                                                  size_t stride, const int16_t* const* queries,
                                                  int32_t* out) {
  const int16_t* const query = queries[0];
  for (size_t row = 0; row < row_count; ++row) {
    __m512i sums[2] = {};
    for (size_t column = 0; column < stride; column += 64) {
      if constexpr (kAsks) {
        _mm_prefetch(reinterpret_cast<const char*>(rows + row * stride + column + kAhead_bytes),
                     _MM_HINT_T0);
      }
#pragma GCC unroll 8
      for (size_t lane = 0; lane < 2; ++lane) {
        const size_t place = column + lane * 32;
        const int8_t* const codes = rows + row * stride + place;
        const __m512i present =
            _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(codes)));
        const __m512i wanted = _mm512_load_si512(query + place);
        sums[lane] = _mm512_dpwssd_epi32(sums[lane], present, wanted);
      }
    }
    out[row] = sum_of(_mm512_add_epi32(sums[0], sums[1]));
  }
}

template <size_t kRows>
[[gnu::target(FACEFORGE_AVX512), gnu::always_inline]] inline void avx512_tile(
    const int8_t* rows, size_t stride, const int16_t* const* queries, int32_t* out,
    size_t row_count) {
  __m512i sums[kRows][kQueriesAtOnce] = {};
  for (size_t column = 0; column < stride; column += 32) {
#pragma GCC unroll 8
    for (size_t row = 0; row < kRows; ++row) {
      const int8_t* const codes = rows + row * stride + column;
      const __m512i present =
          _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(codes)));
#pragma GCC unroll 8
      for (size_t query = 0; query < kQueriesAtOnce; ++query) {
        const __m512i wanted = _mm512_load_si512(queries[query] + column);
        sums[row][query] = _mm512_dpwssd_epi32(sums[row][query], present, wanted);
      }
    }
  }
#pragma GCC unroll 8
  for (size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
    for (size_t query = 0; query < kQueriesAtOnce; ++query) {
      out[query * row_count + row] = sum_of(sums[row][query]);
    }
  }
}

[[gnu::target(FACEFORGE_AVX512)]] void avx512_several(const int8_t* rows, size_t row_count,
                                                      size_t stride, const int16_t* const* queries,
                                                      int32_t* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    avx512_tile<kRowsAtOnce>(rows + row * stride, stride, queries, out + row, row_count);
  }
  for (; row < row_count; ++row) {
    avx512_tile<1>(rows + row * stride, stride, queries, out + row, row_count);
  }
}

#endif

/// What multiplies with one query, and with kQueriesAtOnce of them where that is quicker.
struct Kernels {
  Products one;
  Products several;
};

Kernels kernels_of(Instructions instructions) {
  switch (instructions) {
#if defined(__x86_64__)
    case Instructions::Avx512:
      return {__builtin_cpu_is("intel") ? avx512_one<true> : avx512_one<false>, avx512_several};
    case Instructions::Avx2:
      return {avx2_one, avx2_several};
    case Instructions::Sse41:
      return {sse41_one, sse41_several};
#endif
    default:
      return {plain, nullptr};
  }
}

void multiply(const Kernels& kernels, const int8_t* rows, size_t row_count, size_t stride,
              std::span<const int16_t* const> queries, int32_t* products) {
  size_t query = 0;
  if (kernels.several != nullptr) {
    for (; query + kQueriesAtOnce <= queries.size(); query += kQueriesAtOnce) {
      kernels.several(rows, row_count, stride, &queries[query], products + query * row_count);
    }
  }
  for (; query < queries.size(); ++query) {
    kernels.one(rows, row_count, stride, &queries[query], products + query * row_count);
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

void products(const int8_t* rows, size_t row_count, size_t stride,
              std::span<const int16_t* const> queries, int32_t* products) {
  static const Kernels kBest = kernels_of(best_instructions());
  multiply(kBest, rows, row_count, stride, queries, products);
}

void products_with(Instructions instructions, const int8_t* rows, size_t row_count, size_t stride,
                   std::span<const int16_t* const> queries, int32_t* products) {
  multiply(kernels_of(instructions), rows, row_count, stride, queries, products);
}

}  // namespace faceforge::search::internal
