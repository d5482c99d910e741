#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/facts.h"
#include "nn/graph.h"

namespace faceforge::nn {

/// Moves a box of numbers from an operand to a result, both seen through strides.
struct StridedCopy {
  size_t operand = 0;  ///< which input of the node
  size_t result = 0;   ///< which output
  Shape dimensions;
  Shape from_strides;
  Shape to_strides;
  int64_t from_offset = 0;
  int64_t to_offset = 0;
};

/// What an operator that only moves numbers does, for row-major operands.
struct Movement {
  std::vector<Shape> shapes;  ///< of the results
  std::vector<StridedCopy> copies;
  std::optional<float> fill;  ///< what the first result holds where no copy writes
};

/// Whether `operation` only moves numbers: Transpose, Concat, Slice, Split, Gather, Pad, Expand.
[[nodiscard]] bool is_movement(const Operation& operation);

/// Plans the copies of a movement for operands of known shape. Operands that hold sizes (Slice's
/// starts, Pad's pads, ...) must be constants.
///
/// fails: invalid_input/shape_mismatch; unsupported/operator_unsupported when sizes are not
///        constant; as `checked_element_count` for the results
[[nodiscard]] Result<Movement> plan_movement(const Node& node, std::span<const Fact> operands,
                                             size_t element_limit);

/// Carries out one copy. `T` is float or int64_t.
template <typename T>
void copy_strided(const StridedCopy& copy, const T* from, T* to);

extern template void copy_strided<float>(const StridedCopy&, const float*, float*);
extern template void copy_strided<int64_t>(const StridedCopy&, const int64_t*, int64_t*);

}  // namespace faceforge::nn
