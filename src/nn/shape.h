#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::nn {

using Shape = std::vector<int64_t>;

/// The most dimensions a tensor may have; oneDNN's own limit is 12.
inline constexpr size_t kMaxRank = 8;

/// `[1, 3, 112, 112]`; an open dimension is written `?`.
[[nodiscard]] std::string to_string(std::span<const int64_t> shape);

/// Multiplies the dimensions without overflow.
///
/// fails: corrupt/tensor_shape for a negative dimension or more than `kMaxRank` of them;
///        too_large/tensor_too_large above `limit`
[[nodiscard]] Result<size_t> checked_element_count(std::span<const int64_t> shape, size_t limit);

/// Multiplies the dimensions of a shape that has been checked before.
[[nodiscard]] int64_t element_count(std::span<const int64_t> shape);

/// Rows and columns, of a shape that has no more.
[[nodiscard]] std::array<int64_t, 2> sides(std::span<const int64_t> shape);

/// Whether there are rows and columns, and as many of both.
[[nodiscard]] bool all(std::span<const int64_t> sides, int64_t size);

/// Row-major strides, in elements.
[[nodiscard]] Shape row_major_strides(std::span<const int64_t> shape);

/// The shape that two operands have together under NumPy's broadcasting.
///
/// fails: invalid_input/shape_mismatch
[[nodiscard]] Result<Shape> broadcast(std::span<const int64_t> a, std::span<const int64_t> b);

/// Strides that read an operand of shape `from` as if it had the shape `to`: 0 where it repeats.
[[nodiscard]] Shape broadcast_strides(std::span<const int64_t> from, std::span<const int64_t> to);

/// Turns an axis that may count from the end into an index.
///
/// fails: invalid_input/shape_mismatch when it lies outside [-rank, rank)
[[nodiscard]] Result<size_t> checked_axis(int64_t axis, size_t rank);

}  // namespace faceforge::nn
