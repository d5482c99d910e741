#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/byte_budget.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// What is known of a value once the input shapes are: its shape, and its numbers when they do not
/// depend on what the inputs hold. A value without known numbers is of floats.
struct Fact {
  Shape shape;
  ConstantPtr constant;
};

/// Follows the shapes through a graph and folds what depends on shapes and weights alone.
///
/// out:   one fact a value; a value that no node needs may have an empty one
/// fails: invalid_input/shape_mismatch naming the node whose operands do not fit;
///        unsupported/operator_unsupported naming a node that needs a size which is not known;
///        too_large/tensor_too_large, too_large/activations_too_large
[[nodiscard]] Result<std::vector<Fact>> infer(const Graph& graph,
                                              std::span<const Shape> input_shapes,
                                              const LoadLimits& limits);

/// Follows one node of known operands: what is known of its results.
///
/// in:    `budget` is what their numbers may take
/// fails: as `infer`; too_large/weights_too_large
[[nodiscard]] Result<std::vector<Fact>> follow(const Node& node, std::span<const Fact> operands,
                                               size_t element_limit, ByteBudget& budget);

/// The facts of a node's operands; an operand left out has an empty one.
[[nodiscard]] std::vector<Fact> operands_of(const Node& node, std::span<const Fact> facts);

/// The numbers of a constant integer operand.
///
/// fails: unsupported/operator_unsupported when the operand is not constant or not of integers
[[nodiscard]] Result<std::vector<int64_t>> integers_of(const Node& node,
                                                       std::span<const Fact> operands,
                                                       size_t position);

/// The numbers of a constant float operand. Fails as `integers_of`.
[[nodiscard]] Result<std::vector<float>> floats_of(const Node& node, std::span<const Fact> operands,
                                                   size_t position);

/// A window's borders and result for pictures of a given size.
struct PlacedWindow {
  Shape kernel, strides, dilations, pads_begin, pads_end;
  Shape result;  ///< the result's size, spatial dimensions only
};

/// Places a window on pictures of size `picture` (spatial dimensions only). With `rounds_up`, a
/// last window that starts on the picture or its first border counts though it ends beyond.
///
/// fails: invalid_input/shape_mismatch when ranks differ or the picture is too small
[[nodiscard]] Result<PlacedWindow> place(const Window& window, std::span<const int64_t> picture,
                                         bool rounds_up);

/// The factors of a Resize and the size it gives, both for all dimensions.
struct ResizePlan {
  Shape shape;
  std::vector<float> scales;
};
[[nodiscard]] Result<ResizePlan> plan_resize(const Node& node, const Resize& resize,
                                             std::span<const Fact> operands);

/// Clip with the bounds that its operands give.
///
/// fails: invalid_input/shape_mismatch when a bound is no single number or the lower is above the
///        upper; unsupported/operator_unsupported when one is not known before running
[[nodiscard]] Result<Unary> with_bounds(const Node& node, Unary unary,
                                        std::span<const Fact> operands);

/// The failure of a node whose operands do not fit each other or its attributes.
[[nodiscard]] Unexpected mismatch(const Node& node, std::string_view what);

/// The failure of a node that asks for what is not implemented.
[[nodiscard]] Unexpected unsupported(const Node& node, std::string_view what);

}  // namespace faceforge::nn
