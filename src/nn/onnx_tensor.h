#pragma once

#include <cstddef>

#include "base/result.h"
#include "nn/byte_budget.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace onnx {
class TensorProto;
}

namespace faceforge::nn {

/// Reads a tensor of an ONNX model.
///
/// out:   floats for every float type, 64-bit integers for every integer type and bool
/// fails: as `Network::parse`: tensor_type_unsupported, external_data_unsupported,
///        tensor_outside_file, tensor_shape, weight_not_finite (not a number), tensor_too_large,
///        weights_too_large
[[nodiscard]] Result<ConstantPtr> read_tensor(const onnx::TensorProto& proto,
                                              const LoadLimits& limits, ByteBudget& budget);

}  // namespace faceforge::nn
