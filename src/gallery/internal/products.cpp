#include "gallery/internal/products.h"

#include <array>

#include "base/check.h"

// Built with -O3 (CMakeLists.txt): the loops of eight become vector instructions, for several
// instruction sets, of which the loader picks one. Sanitizers run before the loader could pick.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACEFORGE_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FACEFORGE_VECTOR_CLONES
#endif

namespace faceforge::gallery::internal {
namespace {

constexpr size_t kLanes = 8;

FACEFORGE_VECTOR_CLONES void dot_with_all(const float* rows, size_t row_count, size_t length,
                                          const float* with, float* out, size_t out_stride) {
  for (size_t row = 0; row < row_count; ++row) {
    const float* values = rows + row * length;
    std::array<float, kLanes> sums{};
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += values[i + lane] * with[i + lane];
    }
    float sum = 0;
    for (; i < length; ++i) sum += values[i] * with[i];
    for (const float lane : sums) sum += lane;
    out[row * out_stride] = sum;
  }
}

/// Adds each row, as often as its factor says.
FACEFORGE_VECTOR_CLONES void add_all(const float* rows, size_t row_count, size_t length,
                                     const float* factors, size_t factor_stride, float* sum) {
  for (size_t row = 0; row < row_count; ++row) {
    const float factor = factors[row * factor_stride];
    const float* values = rows + row * length;
    for (size_t i = 0; i < length; ++i) sum[i] += factor * values[i];
  }
}

FloatTable zeros(size_t row_count, size_t column_count) {
  return {row_count, column_count, std::vector<float>(row_count * column_count)};
}

}  // namespace

FloatTable rows_by_rows(const FloatTable& a, const FloatTable& b) {
  CHECK(a.column_count == b.column_count);
  FloatTable products = zeros(a.row_count, b.row_count);
  for (size_t column = 0; column < b.row_count; ++column) {
    dot_with_all(a.values.data(), a.row_count, a.column_count, row_of(b, column).data(),
                 products.values.data() + column, b.row_count);
  }
  return products;
}

FloatTable columns_by_columns(const FloatTable& a, const FloatTable& b) {
  CHECK(a.row_count == b.row_count);
  FloatTable products = zeros(a.column_count, b.column_count);
  for (size_t row = 0; row < a.column_count; ++row) {
    add_all(b.values.data(), b.row_count, b.column_count, a.values.data() + row, a.column_count,
            row_of(products, row).data());
  }
  return products;
}

}  // namespace faceforge::gallery::internal
