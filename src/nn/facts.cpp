#include "nn/facts.h"

#include <algorithm>
#include <cmath>

#include "nn/fold.h"
#include "nn/movement.h"

namespace faceforge::nn {
namespace {

using Shapes = std::vector<Shape>;

/// The shapes of a node's results. One overload an operator.
class ResultShapes {
 public:
  ResultShapes(const Node& node, std::span<const Fact> operands, size_t element_limit)
      : node_(node), operands_(operands), element_limit_(element_limit) {}

  Result<Shapes> operator()(const Conv& conv) const {
    const Shape& picture = shape(0);
    const Shape& weights = shape(1);
    if (picture.size() < 3 || picture.size() > 5 || weights.size() != picture.size()) {
      return mismatch(
          node_, fmt::format("pictures {} and weights {}", to_string(picture), to_string(weights)));
    }
    if (weights[1] * conv.group_count != picture[1] || weights[0] % conv.group_count != 0 ||
        weights[0] == 0 || weights[1] == 0) {
      return mismatch(node_, fmt::format("{} channels, weights {} and {} groups", picture[1],
                                         to_string(weights), conv.group_count));
    }
    Window window = conv.window;
    const Shape kernel(weights.begin() + 2, weights.end());
    if (std::ranges::find(kernel, 0) != kernel.end()) {
      return mismatch(node_, "weights " + to_string(weights) + " have no kernel");
    }
    if (!window.kernel.empty() && window.kernel != kernel) {
      return mismatch(node_, "kernel_shape is not that of the weights");
    }
    window.kernel = kernel;
    if (node_.has_input(2) && shape(2) != Shape{weights[0]}) {
      return mismatch(node_, "the bias is not one number a channel");
    }
    const auto placed = place(window, spatial(picture), false);
    if (!placed) return mismatch(node_, placed.error().message);
    return one(joined({picture[0], weights[0]}, placed->result));
  }

  Result<Shapes> operator()(const Pool& pool) const {
    const Shape& picture = shape(0);
    if (picture.size() < 3 || picture.size() > 5) return mismatch(node_, "not pictures");
    const auto placed = place(pool.window, spatial(picture), pool.ceil_mode);
    if (!placed) return mismatch(node_, placed.error().message);
    return one(joined({picture[0], picture[1]}, placed->result));
  }

  Result<Shapes> operator()(const GlobalPool&) const {
    Shape result = shape(0);
    if (result.size() < 3) return mismatch(node_, "not pictures");
    std::fill(result.begin() + 2, result.end(), 1);
    return one(result);
  }

  Result<Shapes> operator()(const Gemm& gemm) const {
    const Shape &a = shape(0), &b = shape(1);
    if (a.size() != 2 || b.size() != 2) return mismatch(node_, "operands are no matrices");
    const int64_t rows = a[gemm.transpose_a ? 1 : 0];
    const int64_t inner = a[gemm.transpose_a ? 0 : 1];
    const int64_t columns = b[gemm.transpose_b ? 0 : 1];
    if (inner != b[gemm.transpose_b ? 1 : 0]) {
      return mismatch(node_, fmt::format("matrices {} and {}", to_string(a), to_string(b)));
    }
    const Shape result{rows, columns};
    if (node_.has_input(2)) {
      const auto both = broadcast(result, shape(2));
      if (!both || *both != result) return mismatch(node_, "the bias does not broadcast");
    }
    return one(result);
  }

  Result<Shapes> operator()(const MatMul&) const {
    Shape a = shape(0), b = shape(1);
    if (a.empty() || b.empty()) return mismatch(node_, "an operand is a scalar");
    const bool a_is_vector = a.size() == 1, b_is_vector = b.size() == 1;
    if (a_is_vector) a.insert(a.begin(), 1);
    if (b_is_vector) b.push_back(1);
    if (a.back() != b[b.size() - 2]) {
      return mismatch(node_, fmt::format("matrices {} and {}", to_string(a), to_string(b)));
    }
    auto batch = broadcast(std::span(a).first(a.size() - 2), std::span(b).first(b.size() - 2));
    if (!batch) return mismatch(node_, batch.error().message);
    if (!a_is_vector) batch->push_back(a[a.size() - 2]);
    if (!b_is_vector) batch->push_back(b.back());
    return one(*batch);
  }

  Result<Shapes> operator()(const Unary& unary) const {
    TRY(with_bounds(node_, unary, operands_));
    return one(shape(0));
  }

  Result<Shapes> operator()(const Binary& binary) const {
    auto result = broadcast(shape(0), shape(1));
    if (!result) return mismatch(node_, result.error().message);
    // ONNX lets the slope of a PRelu repeat, not its input; exporters also write [C] for [C,1,1].
    if (binary.kind == BinaryKind::PRelu && *result != shape(0)) {
      return mismatch(node_, "the slope does not broadcast to the input");
    }
    return one(*result);
  }

  Result<Shapes> operator()(const BatchNorm&) const {
    if (shape(0).size() < 2) return mismatch(node_, "not batches");
    for (size_t position = 1; position < 5; ++position) {
      if (shape(position) != Shape{shape(0)[1]}) {
        return mismatch(node_, "scale, bias, mean and variance are not one number a channel");
      }
    }
    return one(shape(0));
  }

  Result<Shapes> operator()(const Softmax& softmax) const {
    // Axis == rank is a legal, if pointless, end before opset 13.
    const auto rank = shape(0).size();
    const bool is_end = softmax.flattens && softmax.axis == static_cast<int64_t>(rank);
    if (!is_end && !checked_axis(softmax.axis, rank)) return mismatch(node_, "axis out of range");
    return one(shape(0));
  }

  Result<Shapes> operator()(const Reduce& reduce) const {
    Shape result = shape(0);
    std::vector<int64_t> axes;
    if (reduce.axes) {
      axes = *reduce.axes;
    } else if (node_.has_input(1)) {
      axes = TRY(integers_of(node_, operands_, 1));
    }
    if (axes.empty()) {
      for (size_t axis = 0; axis < result.size(); ++axis)
        axes.push_back(static_cast<int64_t>(axis));
    }
    return without(result, axes, reduce.keep_dimensions);
  }

  Result<Shapes> operator()(const Reshape& reshape) const {
    const auto wanted = TRY(integers_of(node_, operands_, 1));
    const Shape& from = shape(0);
    if (wanted.size() > kMaxRank) return mismatch(node_, "too many dimensions");
    Shape result = wanted;
    std::optional<size_t> open;
    for (size_t axis = 0; axis < result.size(); ++axis) {
      if (result[axis] == 0 && !reshape.zero_is_zero) {
        if (axis >= from.size()) return mismatch(node_, "it copies a dimension that is not there");
        result[axis] = from[axis];
      } else if (result[axis] == -1) {
        if (open) return mismatch(node_, "two dimensions are left open");
        open = axis;
        result[axis] = 1;
      }
    }
    const auto known = checked_element_count(result, element_limit_);
    if (!known) return mismatch(node_, known.error().message);
    const auto count = static_cast<size_t>(element_count(from));
    if (open) {
      if (*known == 0 || count % *known != 0) {
        return mismatch(
            node_, fmt::format("{} does not reshape to {}", to_string(from), to_string(wanted)));
      }
      result[*open] = static_cast<int64_t>(count / *known);
    } else if (*known != count) {
      return mismatch(node_,
                      fmt::format("{} does not reshape to {}", to_string(from), to_string(wanted)));
    }
    return one(result);
  }

  Result<Shapes> operator()(const Flatten& flatten) const {
    const auto rank = static_cast<int64_t>(shape(0).size());
    if (flatten.axis < -rank || flatten.axis > rank) return mismatch(node_, "axis out of range");
    const int64_t axis = flatten.axis < 0 ? flatten.axis + rank : flatten.axis;
    const std::span<const int64_t> from(shape(0));
    return one({element_count(from.first(static_cast<size_t>(axis))),
                element_count(from.subspan(static_cast<size_t>(axis)))});
  }

  Result<Shapes> operator()(const Squeeze& squeeze) const {
    Shape result = shape(0);
    std::vector<int64_t> axes;
    if (squeeze.axes) {
      axes = *squeeze.axes;
    } else if (node_.has_input(1)) {
      axes = TRY(integers_of(node_, operands_, 1));
    } else {
      for (size_t axis = 0; axis < result.size(); ++axis) {
        if (result[axis] == 1) axes.push_back(static_cast<int64_t>(axis));
      }
    }
    for (const int64_t axis : axes) {
      const auto index = checked_axis(axis, result.size());
      if (!index || result[*index] != 1) return mismatch(node_, "it squeezes what is not 1 wide");
    }
    return without(result, axes, false);
  }

  Result<Shapes> operator()(const Unsqueeze& unsqueeze) const {
    const auto axes = unsqueeze.axes ? *unsqueeze.axes : TRY(integers_of(node_, operands_, 1));
    const size_t rank = shape(0).size() + axes.size();
    if (rank > kMaxRank) return mismatch(node_, "too many dimensions");
    std::vector<bool> is_new(rank, false);
    for (const int64_t axis : axes) {
      const auto index = checked_axis(axis, rank);
      if (!index || is_new[*index]) return mismatch(node_, "its axes do not fit");
      is_new[*index] = true;
    }
    Shape result;
    size_t next = 0;
    for (size_t axis = 0; axis < rank; ++axis) {
      result.push_back(is_new[axis] ? 1 : shape(0)[next++]);
    }
    return one(result);
  }

  Result<Shapes> operator()(const Quantize&) const { return one(shape(0)); }
  Result<Shapes> operator()(const Dequantize&) const { return one(shape(0)); }
  Result<Shapes> operator()(const RoundTrip&) const { return one(shape(0)); }
  Result<Shapes> operator()(const QuantizedConv& quantized) const {
    return (*this)(quantized.conv);
  }
  Result<Shapes> operator()(const QuantizedGemm&) const {
    return (*this)(Gemm{.transpose_b = true});
  }

  Result<Shapes> operator()(const Identity&) const { return one(shape(0)); }
  Result<Shapes> operator()(const Cast&) const { return one(shape(0)); }

  Result<Shapes> operator()(const ShapeOf& of) const {
    const auto [start, end] = range_of(of, shape(0).size());
    return one({std::max<int64_t>(0, end - start)});
  }

  Result<Shapes> operator()(const ConstantOfShape&) const {
    const Shape result = TRY(integers_of(node_, operands_, 0));
    const auto checked = checked_element_count(result, element_limit_);
    if (!checked) return Unexpected(checked.error());
    return one(result);
  }

  Result<Shapes> operator()(const Resize& resize) const {
    return one(TRY(plan_resize(node_, resize, operands_)).shape);
  }

  template <typename Moved>
  Result<Shapes> operator()(const Moved&) const {
    return TRY(plan_movement(node_, operands_, element_limit_)).shapes;
  }

  static std::pair<int64_t, int64_t> range_of(const ShapeOf& of, size_t rank) {
    const auto size = static_cast<int64_t>(rank);
    const auto placed = [size](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
    };
    return {placed(of.start), of.end ? placed(*of.end) : size};
  }

 private:
  const Shape& shape(size_t position) const { return operands_[position].shape; }
  static Result<Shapes> one(Shape shape) { return Shapes{std::move(shape)}; }
  static std::span<const int64_t> spatial(const Shape& picture) {
    return std::span(picture).subspan(2);
  }
  static Shape joined(Shape front, const Shape& back) {
    front.insert(front.end(), back.begin(), back.end());
    return front;
  }

  Result<Shapes> without(const Shape& from, std::span<const int64_t> axes, bool keep) const {
    std::vector<bool> gone(from.size(), false);
    for (const int64_t axis : axes) {
      const auto index = checked_axis(axis, from.size());
      if (!index) return mismatch(node_, index.error().message);
      gone[*index] = true;
    }
    Shape result;
    for (size_t axis = 0; axis < from.size(); ++axis) {
      if (!gone[axis]) result.push_back(from[axis]);
      if (gone[axis] && keep) result.push_back(1);
    }
    return one(result);
  }

  const Node& node_;
  std::span<const Fact> operands_;
  size_t element_limit_;
};

/// The shapes of a node's results, within the limit.
Result<std::vector<Fact>> result_facts(const Node& node, std::span<const Fact> operands,
                                       size_t element_limit) {
  const auto shapes = TRY(std::visit(ResultShapes(node, operands, element_limit), node.operation));
  if (shapes.size() != node.outputs.size()) return mismatch(node, "another number of outputs");
  std::vector<Fact> results;
  for (const Shape& shape : shapes) {
    TRY(checked_element_count(shape, element_limit));
    results.push_back({shape, nullptr});
  }
  return results;
}

/// What a result takes in memory: as an activation, or as the numbers that are known of it.
size_t bytes_of_result(const Node& node, std::span<const Fact> operands, const Fact& result) {
  ElementKind kind = ElementKind::Float;
  if (const auto* fill = std::get_if<ConstantOfShape>(&node.operation)) {
    kind = fill->value->kind;
  } else if (const auto* cast = std::get_if<Cast>(&node.operation)) {
    kind = cast->to;
  } else if (std::holds_alternative<Dequantize>(node.operation)) {
    kind = ElementKind::Float;
  } else if (std::holds_alternative<ShapeOf>(node.operation)) {
    kind = ElementKind::Integer;
  } else if (!operands.empty() && operands[0].constant) {
    kind = operands[0].constant->kind;
    if (kind == ElementKind::Signed8) kind = ElementKind::Integer;  // they are widened
  }
  return bytes_each_of(kind) * static_cast<size_t>(element_count(result.shape));
}

/// Fills in the numbers of a node's results where they can be known.
Result<void> fold_known(const Node& node, std::span<const Fact> operands,
                        std::vector<Fact>& results, size_t element_limit) {
  bool is_known = true;
  for (size_t position = 0; position < node.inputs.size(); ++position) {
    is_known = is_known && (!node.has_input(position) || operands[position].constant);
  }
  if (!is_known && !std::holds_alternative<ShapeOf>(node.operation)) return {};
  if (const auto folded = TRY(fold(node, operands, results, element_limit))) {
    for (size_t index = 0; index < results.size(); ++index) {
      results[index].constant = (*folded)[index];
    }
  }
  return {};
}

}  // namespace

Unexpected mismatch(const Node& node, std::string_view what) {
  return fail(ErrorCode::InvalidInput, "shape_mismatch", "node {}: {}", to_string(node), what);
}

Unexpected unsupported(const Node& node, std::string_view what) {
  return fail(ErrorCode::Unsupported, "operator_unsupported", "node {}: {}", to_string(node), what);
}

Result<std::vector<Fact>> follow(const Node& node, std::span<const Fact> operands,
                                 size_t element_limit, ByteBudget& budget) {
  auto results = TRY(result_facts(node, operands, element_limit));
  for (const Fact& result : results) TRY(budget.take(bytes_of_result(node, operands, result)));
  TRY(fold_known(node, operands, results, element_limit));
  return results;
}

std::vector<Fact> operands_of(const Node& node, std::span<const Fact> facts) {
  std::vector<Fact> operands;
  operands.reserve(node.inputs.size());
  for (const ValueIndex input : node.inputs) {
    operands.push_back(input == kNoValue ? Fact{} : facts[input]);
  }
  return operands;
}

Result<std::vector<int64_t>> integers_of(const Node& node, std::span<const Fact> operands,
                                         size_t position) {
  if (position >= operands.size() || !operands[position].constant) {
    return unsupported(node, fmt::format("input {} is not known before running", position));
  }
  const Constant& constant = *operands[position].constant;
  if (constant.kind != ElementKind::Integer || constant.shape.size() > 1) {
    return unsupported(node, fmt::format("input {} is no list of integers", position));
  }
  return constant.integers;
}

Result<std::vector<float>> floats_of(const Node& node, std::span<const Fact> operands,
                                     size_t position) {
  if (position >= operands.size() || !operands[position].constant) {
    return unsupported(node, fmt::format("input {} is not known before running", position));
  }
  if (operands[position].constant->kind != ElementKind::Float) {
    return unsupported(node, fmt::format("input {} is not of floats", position));
  }
  return operands[position].constant->floats;
}

Result<PlacedWindow> place(const Window& window, std::span<const int64_t> picture, bool rounds_up) {
  const size_t rank = picture.size();
  const auto or_default = [rank](const Shape& given, int64_t otherwise) {
    return given.empty() ? Shape(rank, otherwise) : given;
  };
  PlacedWindow placed{.kernel = window.kernel,
                      .strides = or_default(window.strides, 1),
                      .dilations = or_default(window.dilations, 1),
                      .pads_begin = or_default(window.pads_begin, 0),
                      .pads_end = or_default(window.pads_end, 0),
                      .result = {}};
  for (const auto* sizes :
       {&placed.kernel, &placed.strides, &placed.dilations, &placed.pads_begin, &placed.pads_end}) {
    if (sizes->size() != rank) {
      return fail(ErrorCode::InvalidInput, "shape_mismatch",
                  "the window has {} dimensions, the picture {}", sizes->size(), rank);
    }
  }
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t extent = (placed.kernel[axis] - 1) * placed.dilations[axis] + 1;
    const int64_t stride = placed.strides[axis];
    if (window.auto_pad == AutoPad::Valid) {
      placed.pads_begin[axis] = placed.pads_end[axis] = 0;
    } else if (window.auto_pad != AutoPad::Explicit) {
      const int64_t result = (picture[axis] + stride - 1) / stride;
      const int64_t pads = std::max<int64_t>(0, (result - 1) * stride + extent - picture[axis]);
      const bool upper = window.auto_pad == AutoPad::SameUpper;
      placed.pads_begin[axis] = upper ? pads / 2 : pads - pads / 2;
      placed.pads_end[axis] = pads - placed.pads_begin[axis];
    }
    const int64_t begin = placed.pads_begin[axis];
    const int64_t room = picture[axis] + begin + placed.pads_end[axis] - extent;
    if (room < 0) {
      return fail(ErrorCode::InvalidInput, "shape_mismatch",
                  "a window of {} does not fit a picture of {} with borders {} and {}", extent,
                  picture[axis], begin, placed.pads_end[axis]);
    }
    int64_t result = (rounds_up ? (room + stride - 1) / stride : room / stride) + 1;
    if (rounds_up && (result - 1) * stride >= picture[axis] + begin) --result;
    placed.result.push_back(result);
  }
  return placed;
}

Result<ResizePlan> plan_resize(const Node& node, const Resize& resize,
                               std::span<const Fact> operands) {
  const Shape& from = operands[0].shape;
  ResizePlan plan{.shape = from, .scales = resize.scales};
  const auto scales_input = static_cast<size_t>(resize.scales_input);
  if (plan.scales.empty() && node.has_input(scales_input)) {
    plan.scales = TRY(floats_of(node, operands, scales_input));
  }
  if (!plan.scales.empty()) {
    if (plan.scales.size() != from.size()) return mismatch(node, "not one scale a dimension");
    for (size_t axis = 0; axis < from.size(); ++axis) {
      const double size = std::floor(static_cast<double>(from[axis]) * plan.scales[axis]);
      constexpr double kSizeLimit = 1 << 24;
      if (!(plan.scales[axis] > 0) || !(size <= kSizeLimit)) {
        return mismatch(node, fmt::format("a scale is {}", plan.scales[axis]));
      }
      plan.shape[axis] = static_cast<int64_t>(size);
    }
    return plan;
  }
  const auto sizes = TRY(integers_of(node, operands, 3));
  if (sizes.size() != from.size()) return mismatch(node, "not one size a dimension");
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (sizes[axis] < 0 || from[axis] == 0) return mismatch(node, "a size is negative");
    plan.scales.push_back(static_cast<float>(sizes[axis]) / static_cast<float>(from[axis]));
  }
  plan.shape = sizes;
  return plan;
}

Result<Unary> with_bounds(const Node& node, Unary unary, std::span<const Fact> operands) {
  if (unary.kind != UnaryKind::Clip) return unary;
  for (const size_t position : {size_t{1}, size_t{2}}) {
    if (!node.has_input(position)) continue;
    const auto bound = TRY(floats_of(node, operands, position));
    if (bound.size() != 1) return mismatch(node, "a bound is no single number");
    (position == 1 ? unary.alpha : unary.beta) = bound[0];
  }
  if (!(unary.alpha <= unary.beta)) {
    return mismatch(node, fmt::format("it clips to {} to {}", unary.alpha, unary.beta));
  }
  return unary;
}

Result<std::vector<Fact>> infer(const Graph& graph, std::span<const Shape> input_shapes,
                                const LoadLimits& limits) {
  std::vector<Fact> facts(graph.values.size());
  for (size_t index = 0; index < facts.size(); ++index) {
    if (const auto& constant = graph.values[index].constant) {
      facts[index] = {constant->shape, constant};
    }
  }
  size_t bytes = 0;
  for (size_t index = 0; index < input_shapes.size(); ++index) {
    bytes +=
        sizeof(float) * TRY(checked_element_count(input_shapes[index], limits.elements_per_tensor));
    facts[graph.input_values[index]].shape = input_shapes[index];
  }
  for (const Node& node : graph.nodes) {
    const auto operands = operands_of(node, facts);
    auto results = TRY(result_facts(node, operands, limits.elements_per_tensor));
    for (const Fact& result : results) {
      bytes += bytes_of_result(node, operands, result);
    }
    if (bytes > limits.activation_bytes) {
      return fail(ErrorCode::TooLarge, "activations_too_large",
                  "the activations up to node {} take {} bytes; the limit is {}", to_string(node),
                  bytes, limits.activation_bytes);
    }
    TRY(fold_known(node, operands, results, limits.elements_per_tensor));
    for (size_t index = 0; index < results.size(); ++index) {
      facts[node.outputs[index]] = std::move(results[index]);
    }
  }
  return facts;
}

}  // namespace faceforge::nn
