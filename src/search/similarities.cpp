#include "search/internal/similarities.h"

#include <utility>

namespace faceforge::search::internal {
namespace {

/// 16 floats that the compiler maps to one, two or four registers (GNU vector extension).
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), may_alias));

/// Rows compared side by side: each step of the query is loaded once for all of them, and that many
/// independent sums hide the latency of the additions.
constexpr size_t kRowsAtOnce = 4;

template <face::Metric kMetric, size_t kRowCount>
[[gnu::always_inline]] inline void compare_rows(const float* rows, size_t stride,
                                                const float* query, float* out) {
  Lanes sums[kRowCount] = {};  // a std::array would drop the alignment
  for (size_t column = 0; column < stride; column += kLanes) {
    const Lanes& wanted = *reinterpret_cast<const Lanes*>(query + column);
    for (size_t row = 0; row < kRowCount; ++row) {
      const Lanes& present = *reinterpret_cast<const Lanes*>(rows + row * stride + column);
      if constexpr (kMetric == face::Metric::Cosine) {
        sums[row] += present * wanted;
      } else {
        sums[row] += (present - wanted) * (present - wanted);
      }
    }
  }
  for (size_t row = 0; row < kRowCount; ++row) {
    float sum = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) sum += sums[row][lane];
    out[row] = kMetric == face::Metric::Cosine ? sum : 1 - sum / 2;
  }
}

template <face::Metric kMetric>
[[gnu::always_inline]] inline void compare_all(const float* rows, size_t row_count, size_t stride,
                                               const float* query, float* out) {
  size_t row = 0;
  for (; row + kRowsAtOnce <= row_count; row += kRowsAtOnce) {
    compare_rows<kMetric, kRowsAtOnce>(rows + row * stride, stride, query, out + row);
  }
  for (; row < row_count; ++row) {
    compare_rows<kMetric, 1>(rows + row * stride, stride, query, out + row);
  }
}

using Comparison = void (*)(const float*, size_t, size_t, const float*, float*);

template <face::Metric kMetric>
void compare_plain(const float* rows, size_t row_count, size_t stride, const float* query,
                   float* out) {
  compare_all<kMetric>(rows, row_count, stride, query, out);
}

#if defined(__x86_64__)
template <face::Metric kMetric>
[[gnu::target("avx2,fma")]] void compare_avx2(const float* rows, size_t row_count, size_t stride,
                                              const float* query, float* out) {
  compare_all<kMetric>(rows, row_count, stride, query, out);
}

template <face::Metric kMetric>
[[gnu::target("avx512f")]] void compare_avx512(const float* rows, size_t row_count, size_t stride,
                                               const float* query, float* out) {
  compare_all<kMetric>(rows, row_count, stride, query, out);
}
#endif

template <face::Metric kMetric>
Comparison fastest_comparison() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return compare_avx512<kMetric>;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return compare_avx2<kMetric>;
#endif
  return compare_plain<kMetric>;
}

}  // namespace

void similarities(const float* rows, size_t row_count, size_t stride, const float* query,
                  face::Metric metric, float* out) {
  static const Comparison kCosine = fastest_comparison<face::Metric::Cosine>();
  static const Comparison kL2 = fastest_comparison<face::Metric::L2>();
  const Comparison comparison = metric == face::Metric::Cosine ? kCosine : kL2;
  comparison(rows, row_count, stride, query, out);
}

}  // namespace faceforge::search::internal
