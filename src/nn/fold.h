#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/facts.h"

namespace faceforge::nn {

/// Computes a node whose operands are all constant, where that is done without oneDNN: sizes,
/// moved, reshaped, converted and elementwise numbers, reductions.
///
/// out:   one constant a result; nothing for an operator that only a program computes
/// fails: as `infer`
[[nodiscard]] Result<std::optional<std::vector<ConstantPtr>>> fold(const Node& node,
                                                                   std::span<const Fact> operands,
                                                                   std::span<const Fact> results,
                                                                   size_t element_limit);

}  // namespace faceforge::nn
