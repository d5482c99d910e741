#pragma once

#include "base/result.h"
#include "nn/byte_budget.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// Simplifies a graph once, whatever its inputs' shapes will be: computes what depends on weights
/// alone, folds batch norms and constant factors into the convolutions and matrices before them,
/// and drops identities and what no output needs.
///
/// in:    `budget` is what the constants may take, those of `graph` taken already
/// fails: as `infer` for nodes of constants; too_large/weights_too_large; corrupt/weight_not_finite
/// when a variance is negative
[[nodiscard]] Result<void> simplify(Graph& graph, const LoadLimits& limits, ByteBudget& budget);

}  // namespace faceforge::nn
