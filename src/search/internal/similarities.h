#pragma once

#include <cstddef>

#include "face/embedding.h"

namespace faceforge::search::internal {

/// Floats in one step of a comparison: rows and queries are padded with zeros to a multiple of it.
inline constexpr size_t kLanes = 16;

/// Compares a query with rows, in single precision.
///
/// in:   `rows` 64-byte aligned, `row_count` times `stride` floats; `query` aligned too, `stride`
///       floats; `stride` a multiple of kLanes; the padding is zero
/// out:  `similarities[row]`, near face::similarity (not clamped); equal rows give equal values
/// cost: one pass over the rows, at the speed of memory; with AVX-512, AVX2 or SSE2, whichever the
///       machine has
void similarities(const float* rows, size_t row_count, size_t stride, const float* query,
                  face::Metric metric, float* out);

}  // namespace faceforge::search::internal
