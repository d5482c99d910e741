#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace faceforge::nn {

/// Numbers with a shape: 32-bit floats, row-major (the last dimension is contiguous), pictures as
/// batch, channel, row, column. `values.size()` is the product of `shape`; a scalar has no shape
/// and one value.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// A named input or output of a network. A dimension that the model leaves open is -1.
struct PortInfo {
  std::string name;
  std::vector<int64_t> shape;
};

}  // namespace faceforge::nn
