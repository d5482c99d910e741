#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "search/internal/row_store.h"

namespace faceforge::search::internal {

/// A hierarchical navigable small world over the rows of a store: each row is linked to rows near
/// it, and a search walks along the links. Holds links and row numbers, no values.
///
/// source: Malkov, Yashunin 2018 (arXiv:1603.09320), in USearch's implementation
class Graph {
 public:
  /// Searches that may run side by side; others wait for one to end.
  explicit Graph(size_t thread_count);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  /// Links rows that were written into the store just before, the caller's thread and others
  /// sharing them. A row that is linked already is linked anew.
  ///
  /// fails: exhausted/out_of_memory
  [[nodiscard]] Result<void> link(const RowStore& rows, std::span<const uint32_t> added,
                                  size_t thread_count);

  /// Walks to the rows near a query.
  ///
  /// in:    `breadth` rows are kept in view, more find more
  /// out:   at most `breadth` rows that are present
  /// fails: exhausted/out_of_memory
  [[nodiscard]] Result<std::vector<uint32_t>> near(const RowStore& rows,
                                                   std::span<const float> query,
                                                   size_t breadth) const;

  [[nodiscard]] size_t memory_bytes() const;

  /// Hands the graph over piece by piece; what `view` and `load` read.
  ///
  /// fails: as `write`
  using Write = std::function<Result<void>(std::span<const std::byte>)>;
  [[nodiscard]] Result<void> save(const Write& write) const;

  /// Uses a saved graph where it lies; `bytes` outlive this. Nothing can be linked then.
  ///
  /// in:    bytes whose checksum was compared: links are followed as they are read
  /// fails: corrupt/search_file_damaged; exhausted/out_of_memory
  [[nodiscard]] Result<void> view(std::span<std::byte> bytes);

  /// Copies a viewed graph into memory, so that rows can be linked. Fails as `view`.
  [[nodiscard]] Result<void> own();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::search::internal
