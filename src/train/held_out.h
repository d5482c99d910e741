#pragma once

#include <functional>
#include <span>

#include <torch/types.h>

#include "train/separation.h"

namespace faceforge::train {

/// Compares every two rows by cosine.
///
/// in:   `unit_rows` [N, D] of length 1, `people` [N]: whose each row is
/// out:  the similarities of all N (N - 1) / 2 pairs
/// cost: O(N^2 D), 4 bytes a pair
[[nodiscard]] PairSimilarities compare_all_pairs(const torch::Tensor& unit_rows,
                                                 std::span<const uint32_t> people);

/// in: pairs of both kinds (a CHECK)
[[nodiscard]] Separation separation_of(const torch::Tensor& unit_rows,
                                       std::span<const uint32_t> people);

}  // namespace faceforge::train
