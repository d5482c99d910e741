#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "search/index.h"
#include "search/internal/row_store.h"

namespace faceforge::search::internal {

/// Finds the very rows that comparing with every row in full would find.
///
/// in:   finite queries of the store's length, one after the other; `count` above 0; `thread_count`
///       from 1, the caller's among them
/// out:  one list a query; see `Index::nearest`
/// cost: reads the codes of every row once, and the values of the few rows that the codes cannot
///       rule out: a row is left out only when what rounding may have hidden cannot bring it among
///       the `count` best (Cauchy and Schwarz's inequality on the distance of row and query from
///       their codes)
[[nodiscard]] std::vector<std::vector<Neighbour>> scan(const RowStore& rows,
                                                       std::span<const float> queries, size_t count,
                                                       size_t thread_count);

/// Compares the given rows in full and keeps the `count` best, in the order of a result. Leaves out
/// those whose similarity is no finite number: only a damaged file has such.
[[nodiscard]] std::vector<Neighbour> rank(const RowStore& rows, std::span<const float> query,
                                          std::span<const uint32_t> candidates, size_t count);

}  // namespace faceforge::search::internal
