// source: TensorFlow's operators of the same names, as TensorFlow.js runs them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "packs/internal/graph_operators.h"

namespace faceforge::packs {
namespace {

/// Functions of one number that ONNX has too, by TensorFlow's names.
const std::map<std::string_view, std::string_view>& plain_functions() {
  static const std::map<std::string_view, std::string_view> functions = {
      {"Relu", "Relu"}, {"Sigmoid", "Sigmoid"}, {"Elu", "Elu"},   {"Tanh", "Tanh"},
      {"Abs", "Abs"},   {"Neg", "Neg"},         {"Exp", "Exp"},   {"Sqrt", "Sqrt"},
      {"Log", "Log"},   {"Floor", "Floor"},     {"Ceil", "Ceil"},
  };
  return functions;
}

/// Numbers clamped to a range, infinite where it is open.
struct Clamp {
  std::string from;
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/// What a Relu or a Clip does, read back from the graph.
std::optional<Clamp> clamp_made(const GraphWriter& writer, const std::string& name) {
  const nn::NodeSpec* made = writer.maker(name);
  if (made == nullptr) return std::nullopt;
  if (made->op_type == "Relu") return Clamp{.from = made->inputs[0], .low = 0};
  if (made->op_type != "Clip" || made->inputs.size() != 3) return std::nullopt;
  const nn::Tensor* low = writer.numbers(made->inputs[1]);
  const nn::Tensor* high = writer.numbers(made->inputs[2]);
  if (low == nullptr || high == nullptr) return std::nullopt;
  return Clamp{.from = made->inputs[0], .low = low->values[0], .high = high->values[0]};
}

std::string write_clamp(const OperatorCall& call, const Clamp& clamp) {
  GraphWriter& writer = call.writer;
  const std::string& name = call.node.name;
  if (clamp.low == 0 && std::isinf(clamp.high)) return writer.node("Relu", {clamp.from}, name);
  return writer.node("Clip",
                     {clamp.from, writer.scalar(clamp.low, name + "/min"),
                      writer.scalar(clamp.high, name + "/max")},
                     name);
}

/// Minimum and Maximum with one number over what is clamped already: graphs spell relu6 so. One
/// Clip is done along with the convolution before it.
std::optional<std::string> tighter_clamp(const OperatorCall& call, const GraphValue& value,
                                         const GraphValue& known) {
  if (!known.floats || known.floats->values.size() != 1) return std::nullopt;
  const float bound = known.floats->values[0];
  auto clamp = clamp_made(call.writer, value.name);
  if (!clamp || bound < clamp->low || bound > clamp->high) return std::nullopt;
  if (call.node.op == "Minimum") clamp->high = bound;
  if (call.node.op == "Maximum") clamp->low = bound;
  if (std::isinf(clamp->low)) return std::nullopt;
  return write_clamp(call, *clamp);
}

Converted unary(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  return one_result(call, TRY(activate(call, call.node.op, value, nullptr)), value.shape,
                    value.layout);
}

Converted prelu(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  if (call.inputs.size() < 2) return call.malformed("it lacks its slopes");
  return one_result(call, TRY(activate(call, "Prelu", value, &call.inputs[1])), value.shape,
                    value.layout);
}

Converted clip(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  const auto low = TRY(call.floats(1));
  const auto high = TRY(call.floats(2));
  if (low.values.size() != 1 || high.values.size() != 1) {
    return call.unsupported("bounds that are not single numbers");
  }
  return one_result(
      call, write_clamp(call, {.from = value.name, .low = low.values[0], .high = high.values[0]}),
      value.shape, value.layout);
}

Converted softmax(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  if (value.rank() < 2) return call.unsupported("over the pictures of a batch");
  const int64_t axis = value.layout == Layout::Picture ? 1 : static_cast<int64_t>(value.rank()) - 1;
  return one_result(call,
                    call.writer.node("Softmax", {value.name}, call.node.name, {{"axis", axis}}),
                    value.shape, value.layout);
}

/// A slope a channel, times relu(-x): the factor, when that is what a tensor holds.
struct NegativePart {
  std::string from;
  nn::Tensor slope;
};

std::optional<NegativePart> negative_part(const GraphWriter& writer, const std::string& name) {
  const nn::NodeSpec* product = writer.maker(name);
  // One sign at most, as exporters write it: a file may have any number of them.
  const bool is_negated = product != nullptr && product->op_type == "Neg";
  if (is_negated) product = writer.maker(product->inputs[0]);
  if (product == nullptr || product->op_type != "Mul") return std::nullopt;
  for (const size_t known : {0, 1}) {
    const nn::Tensor* slope = writer.numbers(product->inputs[known]);
    const nn::NodeSpec* relu = writer.maker(product->inputs[1 - known]);
    if (slope == nullptr || relu == nullptr || relu->op_type != "Relu") continue;
    const nn::NodeSpec* negated = writer.maker(relu->inputs[0]);
    if (negated == nullptr || negated->op_type != "Neg") continue;
    NegativePart part{.from = negated->inputs[0], .slope = *slope};
    if (is_negated)
      std::ranges::transform(part.slope.values, part.slope.values.begin(), std::negate<>());
    return part;
  }
  return std::nullopt;
}

/// relu(x) - slope * relu(-x), or + with a negative slope, as Keras spells PReLU: one PRelu.
std::optional<std::string> joined_prelu(const OperatorCall& call, const GraphValue& a,
                                        const GraphValue& b) {
  const bool adds = call.node.op != "Sub";
  for (const bool is_swapped : {false, true}) {
    if (is_swapped && !adds) break;
    const nn::NodeSpec* relu = call.writer.maker(is_swapped ? b.name : a.name);
    auto negative = negative_part(call.writer, is_swapped ? a.name : b.name);
    if (relu == nullptr || relu->op_type != "Relu" || !negative ||
        relu->inputs[0] != negative->from) {
      continue;
    }
    if (adds) {
      for (float& slope : negative->slope.values) slope = -slope;
    }
    const std::string slope =
        call.writer.constant(std::move(negative->slope), call.node.name + "/slope");
    return call.writer.node("PRelu", {negative->from, slope}, call.node.name);
  }
  return std::nullopt;
}

/// The shape of both together. The batch goes with anything.
Result<nn::Shape> broadcast(const OperatorCall& call, const nn::Shape& a, nn::Shape b) {
  nn::Shape result = a;
  b.insert(b.begin(), a.size() - b.size(), 1);
  for (size_t axis = 1; axis < a.size(); ++axis) {
    if (a[axis] != b[axis] && a[axis] != 1 && b[axis] != 1) {
      return call.malformed("operands of {} and {}", nn::to_string(a), nn::to_string(b));
    }
    result[axis] = std::max(a[axis], b[axis]);
  }
  return result;
}

std::string_view onnx_binary(std::string_view op) {
  if (op == "Sub" || op == "Mul") return op;
  if (op == "RealDiv") return "Div";
  if (op == "Maximum") return "Max";
  if (op == "Minimum") return "Min";
  if (op == "Pow") return "Pow";
  return "Add";
}

Converted both_moving(const OperatorCall& call, GraphValue a, GraphValue b) {
  if (a.rank() != b.rank()) {
    return call.unsupported("of {} with {}", nn::to_string(a.shape), nn::to_string(b.shape));
  }
  if (a.layout != b.layout) {
    a = call.writer.in_layout(a, Layout::Picture);
    b = call.writer.in_layout(b, Layout::Picture);
  }
  const nn::Shape shape = TRY(broadcast(call, a.shape, b.shape));
  const bool may_be_prelu =
      call.node.op == "Add" || call.node.op == "AddV2" || call.node.op == "Sub";
  if (may_be_prelu) {
    if (const auto joined = joined_prelu(call, a, b)) {
      return one_result(call, *joined, shape, a.layout);
    }
  }
  const std::string name =
      call.writer.node(std::string(onnx_binary(call.node.op)), {a.name, b.name}, call.node.name);
  return one_result(call, name, shape, a.layout);
}

/// Arithmetic on sizes. The batch itself cannot be reckoned with.
Converted both_integers(const OperatorCall& call) {
  const nn::IntegerTensor& a = *call.inputs[0].integers;
  const nn::IntegerTensor& b = *call.inputs[1].integers;
  if (a.values.size() != b.values.size() && a.values.size() != 1 && b.values.size() != 1) {
    return call.unsupported("of {} with {} integers", a.values.size(), b.values.size());
  }
  const nn::IntegerTensor& larger = a.values.size() >= b.values.size() ? a : b;
  auto result = std::make_shared<nn::IntegerTensor>(larger);
  for (size_t index = 0; index < larger.values.size(); ++index) {
    const int64_t x = a.values[a.values.size() == 1 ? 0 : index];
    const int64_t y = b.values[b.values.size() == 1 ? 0 : index];
    constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
    if (std::max(x, y) > kLimit || std::min(x, y) < -kLimit) {
      return call.unsupported("it reckons with the batch, or with sizes beyond 32 bits");
    }
    int64_t& value = result->values[index];
    if (call.node.op == "Sub") {
      value = x - y;
    } else if (call.node.op == "Mul") {
      value = x * y;
    } else if (call.node.op == "Maximum") {
      value = std::max(x, y);
    } else if (call.node.op == "Minimum") {
      value = std::min(x, y);
    } else if (call.node.op == "Add" || call.node.op == "AddV2") {
      value = x + y;
    } else {
      return call.unsupported("of integers");
    }
  }
  std::vector<GraphValue> results;
  results.push_back({.shape = larger.shape, .integers = std::move(result)});
  return results;
}

Converted binary(OperatorCall& call) {
  if (call.inputs.size() != 2) return call.malformed("{} inputs", call.inputs.size());
  const GraphValue& a = call.inputs[0];
  const GraphValue& b = call.inputs[1];
  if (!a.is_known() && !b.is_known()) return both_moving(call, a, b);
  if (a.integers && b.integers) return both_integers(call);
  if (a.is_known() && b.is_known()) return call.unsupported("of constants alone");
  const GraphValue& value = a.is_known() ? b : a;
  const GraphValue& known = a.is_known() ? a : b;
  if (call.node.op == "Minimum" || call.node.op == "Maximum") {
    if (const auto clamped = tighter_clamp(call, value, known)) {
      return one_result(call, *clamped, value.shape, value.layout);
    }
  }
  const std::string operand = TRY(call.beside(value, known));
  const nn::Shape shape = TRY(broadcast(call, value.shape, known.shape));
  std::vector<std::string> operands{value.name, operand};
  if (a.is_known()) std::swap(operands[0], operands[1]);
  const std::string name =
      call.writer.node(std::string(onnx_binary(call.node.op)), operands, call.node.name);
  return one_result(call, name, shape, value.layout);
}

Converted add_all(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it has no inputs");
  GraphValue sum = TRY(call.moving(0));
  for (size_t position = 1; position < call.inputs.size(); ++position) {
    const GraphValue next = TRY(call.moving(position));
    sum = TRY(both_moving(call, sum, next)).front();
  }
  return std::vector<GraphValue>{sum};
}

/// Mean, Max and Min over axes.
Converted reduce(OperatorCall& call) {
  GraphValue value = TRY(call.moving(0));
  const auto wanted = TRY(call.integers(1));
  const bool keeps = TRY(call.node.flag("keep_dims", false));
  std::vector<bool> is_gone(value.rank(), false);
  for (const int64_t axis : wanted) is_gone[TRY(checked_axis(call, axis, value.rank()))] = true;
  if (is_gone[0]) return call.unsupported("over the pictures of a batch");
  const bool is_picture = value.layout == Layout::Picture;
  // Without its dimensions a picture is plain, and what is left must stand in TensorFlow's order.
  const bool keeps_order = keeps || (is_picture && (is_gone[3] || (is_gone[1] && is_gone[2])));
  if (is_picture && !keeps_order) value = call.writer.in_layout(value, Layout::Plain);
  nn::Shape shape;
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < is_gone.size(); ++axis) {
    if (!is_gone[axis]) shape.push_back(value.shape[axis]);
    if (is_gone[axis] && keeps) shape.push_back(1);
    if (!is_gone[axis]) continue;
    axes.push_back(value.layout == Layout::Picture ? picture_axis(axis)
                                                   : static_cast<int64_t>(axis));
  }
  const Layout layout = keeps ? value.layout : Layout::Plain;
  if (axes.empty()) return one_result(call, value.name, value.shape, value.layout);
  std::ranges::sort(axes);
  std::string name;
  if (call.node.op == "Mean" && value.layout == Layout::Picture && axes == nn::Shape{2, 3}) {
    name = call.writer.node("GlobalAveragePool", {value.name}, call.node.name);
    if (!keeps) name = call.writer.node("Flatten", {name}, call.node.name, {{"axis", int64_t{1}}});
  } else {
    name = call.writer.node("Reduce" + call.node.op, {value.name}, call.node.name,
                            {{"axes", axes}, {"keepdims", keeps ? int64_t{1} : int64_t{0}}});
  }
  return one_result(call, name, shape, layout);
}

}  // namespace

Result<std::string> activate(const OperatorCall& call, const std::string& function,
                             const GraphValue& value, const GraphValue* slope) {
  const std::string& name = call.node.name;
  if (const auto plain = plain_functions().find(function); plain != plain_functions().end()) {
    return call.writer.node(std::string(plain->second), {value.name}, name);
  }
  if (function == "Relu6") {
    return write_clamp(call, {.from = value.name, .low = 0, .high = 6});
  }
  if (function == "LeakyRelu") {
    const bool is_fused = call.node.op != "LeakyRelu";
    const double alpha = TRY(call.node.real(is_fused ? "leakyrelu_alpha" : "alpha", 0.2));
    return call.writer.node("LeakyRelu", {value.name}, name,
                            {{"alpha", static_cast<float>(alpha)}});
  }
  if (function == "Prelu" && slope != nullptr) {
    if (!slope->floats) return call.unsupported("slopes that are no constant");
    const std::string slopes = TRY(call.beside(value, *slope));
    const nn::Shape together = TRY(broadcast(call, value.shape, slope->shape));
    if (together != value.shape) return call.malformed("more slopes than numbers");
    return call.writer.node("PRelu", {value.name, slopes}, name);
  }
  return call.unsupported("the activation {} is not implemented", function);
}

const OperatorTable& elementwise_operators() {
  static const OperatorTable table = {
      {"Relu", unary},     {"Relu6", unary},    {"Elu", unary},       {"LeakyRelu", unary},
      {"Sigmoid", unary},  {"Tanh", unary},     {"Abs", unary},       {"Neg", unary},
      {"Exp", unary},      {"Sqrt", unary},     {"Log", unary},       {"Floor", unary},
      {"Ceil", unary},     {"Prelu", prelu},    {"Softmax", softmax}, {"ClipByValue", clip},
      {"Add", binary},     {"AddV2", binary},   {"Sub", binary},      {"Mul", binary},
      {"RealDiv", binary}, {"Maximum", binary}, {"Minimum", binary},  {"Pow", binary},
      {"AddN", add_all},   {"Mean", reduce},    {"Max", reduce},      {"Min", reduce},
  };
  return table;
}

}  // namespace faceforge::packs
