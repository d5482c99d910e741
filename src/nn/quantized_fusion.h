#pragma once

#include "base/result.h"
#include "nn/byte_budget.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// Whether products of unsigned and signed 8-bit numbers add up without loss here. Without VNNI the
/// processor adds pairs of them in 16 bits, which saturate.
[[nodiscard]] bool adds_bytes_exactly();

/// Turns what QuantizeLinear and DequantizeLinear say into what programs run: a convolution or
/// matrix between quantized operands becomes one operator on bytes, other pairs a rounding of
/// floats, other quantized weights floats. Where bytes do not add up exactly, everything is done in
/// floats, with the same roundings.
///
/// in:    constants are computed already, but for DequantizeLinear of signed 8-bit weights
/// fails: unsupported/operator_unsupported naming a node that is no part of such a pair;
///        corrupt/model_malformed for a scale that is not positive; too_large/weights_too_large
/// source: ONNX 1.12, QuantizeLinear-13 and DequantizeLinear-13; the bias takes in the source's
///        zero point: Jacob et al. 2018, "Quantization and Training of Neural Networks for
///        Efficient Integer-Arithmetic-Only Inference", eq. 7
[[nodiscard]] Result<void> fuse_quantized(Graph& graph, const LoadLimits& limits,
                                          ByteBudget& budget);

}  // namespace faceforge::nn
