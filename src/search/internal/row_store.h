#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/embedding.h"
#include "search/index.h"
#include "search/internal/column.h"

namespace faceforge::search::internal {

/// A query as codes 256 times finer than those of rows, so that the rows' rounding is what counts.
struct CodedQuery {
  Column<int16_t> codes{};  ///< of `RowStore::stride`
  float step = 0;           ///< value of one code
  float norm = 0;           ///< of the query, rounded up
  float code_error = 0;     ///< distance of the codes from the query, rounded up
};

/// The rows of an index: their single-precision values, and a code of 8 bits a value that a scan
/// reads in a quarter of the time. Row numbers never change; those of removed rows are given out
/// again. Not thread safe while it changes.
class RowStore {
 public:
  /// What is stored of all rows, column by column.
  struct Columns {
    Column<float> values{};       ///< `length` a row
    Column<int8_t> codes{};       ///< `stride` a row, padded with zeros
    Column<float> steps{};        ///< value of one code, a row
    Column<float> errors{};       ///< distance of a row from its codes, rounded up
    Column<float> offsets{};      ///< Metric::L2: minus half the squared norm; with Cosine empty
    Column<uint8_t> presences{};  ///< 1, or 0 for a removed row
  };

  /// in: at most `row_limit` rows are taken, itself at most Index::kMaxRows
  RowStore(size_t length, face::Metric metric, size_t row_limit);

  /// Rows that were stored before.
  ///
  /// in: columns of one number of rows, at most `row_limit`; `norm_limit` as that store gave it
  RowStore(size_t length, face::Metric metric, size_t row_limit, Columns columns,
           double norm_limit);

  [[nodiscard]] size_t length() const { return length_; }
  [[nodiscard]] size_t stride() const { return stride_; }
  [[nodiscard]] face::Metric metric() const { return metric_; }
  /// One beyond the highest row number given out.
  [[nodiscard]] size_t row_end() const { return columns_.presences.size(); }
  [[nodiscard]] size_t row_count() const { return row_end() - free_rows_.size(); }
  [[nodiscard]] size_t memory_bytes() const;
  [[nodiscard]] const Columns& columns() const { return columns_; }

  void reserve(size_t row_count);

  /// Writes a row into the lowest place that is free. Fails as `Index::add`; where memory runs out
  /// it throws, and the store is as it was.
  [[nodiscard]] Result<uint32_t> add(std::span<const float> values);
  /// Overwrites a row with zeros. Fails as `Index::remove`. Needs no memory for a row that was
  /// added here; for one from a file it may throw, and has done nothing then.
  [[nodiscard]] Result<void> remove(uint32_t row);

  [[nodiscard]] bool is_present(size_t row) const {
    return row < row_end() && columns_.presences[row] != 0;
  }
  [[nodiscard]] std::span<const float> row(size_t row) const {
    return columns_.values.span().subspan(row * length_, length_);
  }
  [[nodiscard]] const int8_t* codes(size_t row) const {
    return columns_.codes.data() + row * stride_;
  }

  /// in: finite values
  [[nodiscard]] CodedQuery code(std::span<const float> query) const;

  /// `face::similarity` with a row.
  [[nodiscard]] float similarity(std::span<const float> query, size_t row) const {
    return face::similarity(query, this->row(row), metric_);
  }

  /// An upper bound on the norm of every row that was ever here.
  [[nodiscard]] double norm_limit() const { return norm_limit_; }

 private:
  void make_room_for_a_row();
  void write(size_t row, std::span<const float> values);

  size_t length_;
  size_t stride_;
  face::Metric metric_;
  size_t row_limit_;
  Columns columns_;
  std::vector<uint32_t> free_rows_;  ///< a heap, the lowest in front, with room for all added
  double norm_limit_ = 0;
};

/// Codes of a row of `length` values with their padding.
[[nodiscard]] size_t stride_of(size_t length);

/// Whether every value is finite; fails invalid_input/embedding_not_finite.
[[nodiscard]] Result<void> check_finite(std::span<const float> values);

}  // namespace faceforge::search::internal
