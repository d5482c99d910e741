#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "face/embedding.h"

namespace faceforge::search {

/// One row of an index and how similar it is to what was asked for.
struct Neighbour {
  uint32_t row = 0;      ///< in the order of `add`
  float similarity = 0;  ///< the very value of `face::similarity`
  bool operator==(const Neighbour&) const = default;
};

/// Exact nearest neighbours over the embeddings of one model: every row is compared. Built once,
/// then usable from many threads at once.
class Index {
 public:
  static constexpr size_t kMaxRows = size_t{1} << 31;
  /// Longest row: above the longest embedding, for coordinates that a caller appends.
  static constexpr size_t kMaxLength = size_t{1} << 17;
  /// Most neighbours of one query.
  static constexpr size_t kMaxNeighbours = 10'000;

  /// in: `embedding_length` from 1 to kMaxLength (a CHECK)
  Index(size_t embedding_length, face::Metric metric);
  ~Index();
  Index(Index&&) noexcept;
  Index& operator=(Index&&) noexcept;

  /// Makes room for `row_count` rows in all.
  void reserve(size_t row_count);

  /// Adds a row and returns its number. The length must be the index's (a CHECK).
  uint32_t add(std::span<const float> embedding);

  [[nodiscard]] size_t row_count() const;
  [[nodiscard]] size_t embedding_length() const;
  [[nodiscard]] face::Metric metric() const;

  /// The embedding of a row, as it was added.
  [[nodiscard]] std::span<const float> row(uint32_t row) const;

  /// Bytes held.
  [[nodiscard]] size_t memory_bytes() const;

  /// Finds the rows most similar to `query`.
  ///
  /// in:   a query of the index's length (a CHECK); `count` at most kMaxNeighbours (a CHECK)
  /// out:  the `count` (or all) most similar rows, by falling similarity; of equals the lower row
  /// first
  /// cost: reads every row once; at 1 000 000 x 512 about as long as reading 2 GB of memory
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, size_t count) const;

  /// The same for several queries, one after the other in `queries`: rows are read once for all.
  ///
  /// in:  queries.size() a multiple of the embedding length (a CHECK)
  /// out: one list a query, in order
  [[nodiscard]] std::vector<std::vector<Neighbour>> nearest_batch(std::span<const float> queries,
                                                                  size_t count) const;

 private:
  struct Matrix;
  std::unique_ptr<Matrix> matrix_;
};

}  // namespace faceforge::search
