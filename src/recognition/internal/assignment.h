#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace faceforge::recognition::internal {

/// Gives each row at most one column and each column at most one row, so that the costs of the
/// pairs and `unpaired_cost` for every row or column of the shorter side that gets none are least
/// in sum.
///
/// in:     `costs` row by row, finite, `row_count * column_count` of them (a CHECK); pairs that
/// cost
///         `unpaired_cost` or more are never made
/// out:    for each row its column, or nothing
/// cost:   O(n^2 m) for sides n <= m
/// source: Kuhn 1955 (the Hungarian method), by shortest augmenting paths as in Jonker and
///         Volgenant 1987
[[nodiscard]] std::vector<std::optional<size_t>> assign(std::span<const float> costs,
                                                        size_t row_count, size_t column_count,
                                                        float unpaired_cost);

}  // namespace faceforge::recognition::internal
