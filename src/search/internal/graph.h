#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "search/internal/column.h"
#include "search/internal/leaders.h"
#include "search/internal/row_store.h"

namespace faceforge::search::internal {

/// A navigable graph over the rows of a store: each row is linked to rows near it in different
/// directions, and a search walks along the links towards its query. Holds row numbers only, no
/// values. What it becomes depends on the order of the calls alone, not on threads.
///
/// source: Subramanya et al. 2019 (DiskANN: one level, links pruned by direction); Manohar et al.
///         2024 (ParlayANN: linked in batches that do not see each other, so that the outcome is
///         deterministic). One level instead of HNSW's many: a walk sets out from leaders that lie
///         near its query already (leaders.h), and from a few dozen rows spread over all only where
///         too few rows lead.
class Graph {
 public:
  /// Most links of a row.
  static constexpr size_t kLinks = 32;
  static constexpr uint32_t kNoRow = UINT32_MAX;

  /// in: a row to which nothing with a larger cosine than `leader_cosine`, from -1 to 1, is found
  ///     leads
  Graph(float leader_cosine, Leaders leaders, Column<uint32_t> links = {});

  /// Links rows that were written into the store just before, on `thread_count` threads.
  ///
  /// in: all other rows of the store are linked, or were taken out
  ///
  /// cost: compares each row's sketch with those of all leaders, and its codes with some thousand
  ///       rows
  void link(const RowStore& rows, std::span<const uint32_t> added, size_t thread_count);

  /// Takes a row out that is removed from the store just after: no link leads to it any more, and
  /// if it led, the nearest of the rows that it is linked to leads in its place, unless that does
  /// already or is no nearer than `leader_cosine`.
  ///
  /// cost: reads all links and leaders once
  void unlink(const RowStore& rows, uint32_t removed);

  /// Walks to the rows near a query.
  ///
  /// in:   `breadth` rows are kept in view; more find more
  /// out:  at most `breadth` rows that are present, none twice, the nearest (by codes) first
  /// cost: compares the query's sketch with those of all leaders
  [[nodiscard]] std::vector<uint32_t> near(const RowStore& rows, const CodedQuery& query,
                                           size_t breadth) const;

  /// Whether so few of `row_count` rows lead that walks set out from other rows, too, and need more
  /// breadth: where nothing is far from everything else, or the list of leaders is full.
  [[nodiscard]] bool has_few_leaders(size_t row_count) const;

  void reserve(size_t row_count) { links_.reserve(row_count * kLinks); }
  [[nodiscard]] size_t memory_bytes() const {
    return links_.memory_bytes() + leaders_.memory_bytes();
  }
  /// `kLinks` a row, those that are none at its end kNoRow.
  [[nodiscard]] const Column<uint32_t>& links() const { return links_; }
  [[nodiscard]] const Leaders& leaders() const { return leaders_; }

 private:
  [[nodiscard]] std::span<const uint32_t> links_of(size_t row) const {
    return links_.span().subspan(row * kLinks, kLinks);
  }
  void set_links(size_t row, std::span<const uint32_t> linked);
  void link_back(const RowStore& rows, std::span<const uint32_t> chunk, size_t thread_count);
  void hand_over(const RowStore& rows, uint32_t leader, std::span<const uint32_t> linked);

  Column<uint32_t> links_;
  Leaders leaders_;
  float leader_cosine_;
};

}  // namespace faceforge::search::internal
