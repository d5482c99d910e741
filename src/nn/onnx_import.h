#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "nn/byte_budget.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// Reads an ONNX model into a graph whose nodes stand in running order.
///
/// in:    `budget` is what the weights may take
/// fails: as `Network::parse`
[[nodiscard]] Result<Graph> import_onnx(std::span<const std::byte> bytes, const LoadLimits& limits,
                                        ByteBudget& budget);

}  // namespace faceforge::nn
