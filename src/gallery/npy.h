#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::gallery {

/// A table of floats, row by row.
struct FloatTable {
  size_t row_count = 0;
  size_t column_count = 0;
  std::vector<float> values{};  ///< row_count * column_count
};

/// What stands before the values of an array of shape (row_count, column_count) and type float32.
///
/// source: NumPy Enhancement Proposal 1, format version 1.0
[[nodiscard]] std::string npy_header(size_t row_count, size_t column_count);

/// Writes a table so that `numpy.load` reads it as an array of shape (row_count, column_count) and
/// type float32.
///
/// in:     as many values as the two counts say (a CHECK)
[[nodiscard]] std::vector<std::byte> write_npy(const FloatTable& table);

/// Reads what `write_npy` or `numpy.save` wrote of a two-dimensional, C-ordered, little-endian
/// float32 array.
///
/// fails: invalid_input/not_npy; unsupported/npy_layout (another version, type, order or number of
///        dimensions); corrupt/npy_damaged when the length is not that of the shape
[[nodiscard]] Result<FloatTable> read_npy(std::span<const std::byte> file);

}  // namespace faceforge::gallery
