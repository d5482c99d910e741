#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "search/internal/column.h"

namespace faceforge::search::internal {

/// 256 bits of a vector that differ more the larger the angle between two is: each is the sign of a
/// sum or difference of two of its numbers.
///
/// source: Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002
using Sketch = std::array<uint64_t, 4>;

/// in: one code or more
[[nodiscard]] Sketch sketch_of(std::span<const int8_t> codes);
[[nodiscard]] Sketch sketch_of(std::span<const int16_t> codes);

/// Rows that stand for those near them, from which a walk sets out. People lie anywhere on the
/// sphere: walking from one to another finds no way that is better than chance, but comparing 32
/// bytes of one photo of each takes a fraction of a millisecond for a hundred thousand people.
class Leaders {
 public:
  /// Beyond, a search would take half a millisecond and more for them alone.
  static constexpr size_t kLimit = 250'000;

  Leaders() = default;
  /// in: as many of both, every row below the number of rows
  Leaders(Column<uint32_t> rows, Column<Sketch> sketches)
      : rows_(std::move(rows)), sketches_(std::move(sketches)) {}

  /// Makes a row a leader, where there is room for one.
  void add(uint32_t row, const Sketch& sketch);

  /// out: whether the row was one
  bool remove(uint32_t row);

  /// The leaders whose sketches differ least from `sketch`: `count` of them, or up to twice as many
  /// where several differ as much as the last.
  [[nodiscard]] std::vector<uint32_t> near(const Sketch& sketch, size_t count) const;

  [[nodiscard]] const Column<uint32_t>& rows() const { return rows_; }
  [[nodiscard]] const Column<Sketch>& sketches() const { return sketches_; }
  [[nodiscard]] size_t memory_bytes() const {
    return rows_.memory_bytes() + sketches_.memory_bytes();
  }

 private:
  Column<uint32_t> rows_;
  Column<Sketch> sketches_;  ///< as many
};

}  // namespace faceforge::search::internal
