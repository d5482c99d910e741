#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace faceforge::bench {

/// Counts the multiply-adds of an ONNX network of floats: those of its convolutions and matrix
/// products, whoever computes them. Sums, norms and activations are not counted.
///
/// in:    a shape for its only input
/// fails: as `nn::Network::load` and `run`; invalid_input/input_count
[[nodiscard]] Result<int64_t> multiply_adds(const std::filesystem::path& file,
                                            std::span<const int64_t> input_shape);

}  // namespace faceforge::bench
