#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// Reads an ONNX model into a graph whose nodes stand in running order.
///
/// in:    `folder` holds the model, for external data; empty when it came from memory
/// fails: as `Network::parse`
[[nodiscard]] Result<Graph> import_onnx(std::span<const std::byte> bytes,
                                        const std::filesystem::path& folder,
                                        const LoadLimits& limits);

}  // namespace faceforge::nn
