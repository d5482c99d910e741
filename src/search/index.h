#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/embedding.h"

namespace faceforge::search {

/// One row of an index and how similar it is to what was asked for.
struct Neighbour {
  uint32_t row = 0;      ///< as `add` numbered it
  float similarity = 0;  ///< the very value of `face::similarity`
  bool operator==(const Neighbour&) const = default;
};

/// Nearest neighbours over the embeddings of one model. What only reads may be called from many
/// threads at once, `add` and `remove` by one thread while none reads.
class Index {
 public:
  static constexpr size_t kMaxRows = size_t{1} << 31;
  /// Longest row: above the longest embedding, for with Metric::L2 a gallery's templates have one
  /// coordinate more.
  static constexpr size_t kMaxLength = size_t{1} << 17;
  /// Most neighbours of one query.
  static constexpr size_t kMaxNeighbours = 10'000;

  virtual ~Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  /// Makes room for `row_count` rows in all.
  virtual void reserve(size_t row_count) = 0;

  /// Adds a row and returns its number: the lowest that is free.
  ///
  /// in:    of the index's length (a CHECK)
  /// fails: invalid_input/embedding_not_finite; exhausted/index_full; exhausted/out_of_memory
  [[nodiscard]] virtual Result<uint32_t> add(std::span<const float> embedding) = 0;

  /// Removes a row and overwrites its values; the numbers of others stay.
  ///
  /// fails: not_found/row_not_found; exhausted/out_of_memory from an approximate index: ask
  ///        `row_count` whether it is gone all the same
  [[nodiscard]] virtual Result<void> remove(uint32_t row) = 0;

  /// Rows that are there.
  [[nodiscard]] virtual size_t row_count() const = 0;
  [[nodiscard]] virtual size_t embedding_length() const = 0;
  [[nodiscard]] virtual face::Metric metric() const = 0;

  /// The embedding of a row, as it was added. The row must be there (a CHECK).
  [[nodiscard]] virtual std::span<const float> row(uint32_t row) const = 0;

  /// Bytes of memory held.
  [[nodiscard]] virtual size_t memory_bytes() const = 0;

  /// Finds the rows most similar to `query`.
  ///
  /// in:    a query of the index's length (a CHECK); `count` at most kMaxNeighbours (a CHECK)
  /// out:   the `count` (or all) most similar rows, by falling similarity; of equals the lower row
  ///        first
  /// fails: invalid_input/embedding_not_finite; exhausted/out_of_memory
  [[nodiscard]] virtual Result<std::vector<Neighbour>> nearest(std::span<const float> query,
                                                               size_t count) const = 0;

  /// The same for several queries, one after the other in `queries`.
  ///
  /// in:    queries.size() a multiple of the embedding length (a CHECK)
  /// out:   one list a query, in order
  /// fails: as `nearest`
  [[nodiscard]] virtual Result<std::vector<std::vector<Neighbour>>> nearest_batch(
      std::span<const float> queries, size_t count) const = 0;

 protected:
  Index() = default;
};

struct IndexOptions {
  /// Threads that share a search of many rows, the caller's among them; 0: one a core.
  size_t thread_limit = 0;
  size_t row_limit = Index::kMaxRows;  ///< at most kMaxRows
};

/// Compares every row: 8-bit codes first, then in full the few that these cannot rule out. The
/// answer is that of comparing all in full, always.
///
/// cost: memory of 5 bytes a value; a search reads 1 byte a value, once for a whole batch: at
///       1 000 000 x 512 about as long as reading 0.5 GB
class ExactIndex final : public Index {
 public:
  /// in: `embedding_length` from 1 to kMaxLength (a CHECK)
  ExactIndex(size_t embedding_length, face::Metric metric, const IndexOptions& options = {});
  ~ExactIndex() override;

  void reserve(size_t row_count) override;
  Result<uint32_t> add(std::span<const float> embedding) override;
  Result<void> remove(uint32_t row) override;
  size_t row_count() const override;
  size_t embedding_length() const override;
  face::Metric metric() const override;
  std::span<const float> row(uint32_t row) const override;
  size_t memory_bytes() const override;
  Result<std::vector<Neighbour>> nearest(std::span<const float> query, size_t count) const override;
  Result<std::vector<std::vector<Neighbour>>> nearest_batch(std::span<const float> queries,
                                                            size_t count) const override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::search
