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
/// source: Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002. There
///         each bit is the sign of a product with a random vector of normal numbers, and the share
///         of bits that differ is the angle over pi in the mean, whatever the vectors. Here fixed
///         pairs of numbers stand for the random vectors, for they need no products: of more than
///         512 numbers only some are read, of fewer than 256 the bits depend on each other, and
///         the share is the angle over pi only where no few numbers make up most of a vector.
using Sketch = std::array<uint64_t, 4>;

/// in: one code or more
[[nodiscard]] Sketch sketch_of(std::span<const int8_t> codes);
[[nodiscard]] Sketch sketch_of(std::span<const int16_t> codes);

/// Rows that stand for those near them, from which a walk sets out. People lie anywhere on the
/// sphere: walking from one to another finds no way that is better than chance, but comparing 32
/// bytes of one photo of each takes a fraction of a millisecond for a hundred thousand people.
class Leaders {
 public:
  /// in: at most `limit` are taken
  explicit Leaders(size_t limit) : limit_(limit) {}
  /// in: as many of both, no row twice, every one below the number of rows; more than `limit` stay
  Leaders(size_t limit, Column<uint32_t> rows, Column<Sketch> sketches)
      : limit_(limit), rows_(std::move(rows)), sketches_(std::move(sketches)) {}

  /// Whether no row can be added. Those near a row that is not are found by walking alone.
  [[nodiscard]] bool is_full() const { return rows_.size() >= limit_; }

  /// Makes a row a leader, where there is room for one.
  ///
  /// in: a row that is none
  void add(uint32_t row, const Sketch& sketch);

  /// out: whether the row was one
  bool remove(uint32_t row);

  /// Removes all leaders that `is_gone` names.
  template <typename IsGone>
  void remove_if(const IsGone& is_gone) {
    size_t kept = 0;
    for (size_t index = 0; index < rows_.size(); ++index) {
      if (is_gone(rows_[index])) continue;
      if (kept != index) {
        rows_[kept] = rows_[index];
        sketches_[kept] = sketches_[index];
      }
      ++kept;
    }
    if (kept == rows_.size()) return;
    rows_.shrink(kept);
    sketches_.shrink(kept);
  }

  [[nodiscard]] bool contains(uint32_t row) const;

  /// The leaders whose sketches differ least from `sketch`: `count` of them, or up to twice as many
  /// where several differ as much as the last.
  [[nodiscard]] std::vector<uint32_t> near(const Sketch& sketch, size_t count) const;

  [[nodiscard]] const Column<uint32_t>& rows() const { return rows_; }
  [[nodiscard]] const Column<Sketch>& sketches() const { return sketches_; }
  [[nodiscard]] size_t memory_bytes() const {
    return rows_.memory_bytes() + sketches_.memory_bytes();
  }

 private:
  size_t limit_;
  Column<uint32_t> rows_;
  Column<Sketch> sketches_;  ///< as many
};

}  // namespace faceforge::search::internal
