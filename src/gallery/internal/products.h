#pragma once

#include <span>

#include "gallery/npy.h"

namespace faceforge::gallery::internal {

/// The products of tables that training a head takes. Sums are in floats, eight side by side on
/// every machine, so that all machines compute the same.

/// in:  as many columns in both (a CHECK)
/// out: a row for each of `a`, a column for each of `b`: the dot products of their rows
[[nodiscard]] FloatTable rows_by_rows(const FloatTable& a, const FloatTable& b);

/// in:  as many rows in both (a CHECK)
/// out: a row for each column of `a`, a column for each of `b`: the dot products of their columns
[[nodiscard]] FloatTable columns_by_columns(const FloatTable& a, const FloatTable& b);

[[nodiscard]] inline std::span<const float> row_of(const FloatTable& table, size_t row) {
  return std::span(table.values).subspan(row * table.column_count, table.column_count);
}
[[nodiscard]] inline std::span<float> row_of(FloatTable& table, size_t row) {
  return std::span(table.values).subspan(row * table.column_count, table.column_count);
}

}  // namespace faceforge::gallery::internal
