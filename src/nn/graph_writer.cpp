#include "nn/graph_writer.h"

#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "nn/facts.h"

namespace faceforge::nn {
namespace {

using Attributes = std::map<std::string, AttributeValue>;

void put(Attributes& attributes, const std::string& name, const std::vector<int64_t>& numbers) {
  if (!numbers.empty()) attributes[name] = numbers;
}

Attributes window_attributes(const Window& window) {
  Attributes attributes;
  put(attributes, "kernel_shape", window.kernel);
  put(attributes, "strides", window.strides);
  put(attributes, "dilations", window.dilations);
  if (window.auto_pad == AutoPad::Explicit) {
    Shape pads = window.pads_begin;
    pads.insert(pads.end(), window.pads_end.begin(), window.pads_end.end());
    put(attributes, "pads", pads);
  } else {
    attributes["auto_pad"] = std::string(window.auto_pad == AutoPad::SameUpper   ? "SAME_UPPER"
                                         : window.auto_pad == AutoPad::SameLower ? "SAME_LOWER"
                                                                                 : "VALID");
  }
  return attributes;
}

/// One node as NodeSpec. One overload an operator; operands that older opsets hold as attributes
/// become constants.
class NodeWriter {
 public:
  NodeWriter(const Node& node, size_t rank, std::vector<std::string> inputs,
             std::vector<std::string> outputs, UniqueNames& unique, GraphBuilder& builder)
      : node_(node), rank_(rank), unique_(unique), builder_(builder) {
    spec_.op_type = node.op_type;
    spec_.inputs = std::move(inputs);
    spec_.outputs = std::move(outputs);
    spec_.name = node.name;
  }

  Result<void> write() {
    TRY(std::visit([this](const auto& operation) { return describe(operation); }, node_.operation));
    while (!spec_.inputs.empty() && spec_.inputs.back().empty()) spec_.inputs.pop_back();
    builder_.add_node(spec_);
    return {};
  }

 private:
  Result<void> describe(const Conv& conv) {
    spec_.attributes = conv_attributes(conv);
    return {};
  }
  Result<void> describe(const Pool& pool) {
    spec_.attributes = window_attributes(pool.window);
    spec_.attributes["ceil_mode"] = int64_t{pool.ceil_mode};
    if (pool.kind == PoolKind::Max) return {};
    for (const int64_t dilation : pool.window.dilations) {
      if (dilation != 1) return unsupported(node_, "of a dilated mean");
    }
    spec_.attributes.erase("dilations");
    spec_.attributes["count_include_pad"] = int64_t{pool.kind == PoolKind::AverageWithPadding};
    return {};
  }
  Result<void> describe(const Gemm& gemm) {
    spec_.attributes = {{"alpha", gemm.alpha},
                        {"beta", gemm.beta},
                        {"transA", int64_t{gemm.transpose_a}},
                        {"transB", int64_t{gemm.transpose_b}}};
    return {};
  }
  Result<void> describe(const Unary& unary) {
    if (unary.kind == UnaryKind::LeakyRelu || unary.kind == UnaryKind::Elu) {
      spec_.attributes["alpha"] = unary.alpha;
    } else if (unary.kind == UnaryKind::HardSigmoid) {
      spec_.attributes = {{"alpha", unary.alpha}, {"beta", unary.beta}};
    } else if (unary.kind == UnaryKind::Clip) {
      bound(1, unary.alpha);
      bound(2, unary.beta);
    } else if (unary.kind == UnaryKind::HardSwish) {
      return unsupported(node_, "before opset 14");
    }
    return {};
  }
  Result<void> describe(const Binary&) { return {}; }
  Result<void> describe(const MatMul&) { return {}; }
  Result<void> describe(const GlobalPool&) { return {}; }
  Result<void> describe(const Expand&) { return {}; }
  Result<void> describe(const Identity&) {
    spec_.op_type = "Identity";
    spec_.inputs.resize(1);
    return {};
  }
  Result<void> describe(const BatchNorm& norm) {
    spec_.attributes["epsilon"] = norm.epsilon;
    return {};
  }
  Result<void> describe(const Softmax& softmax) {
    const auto rank = static_cast<int64_t>(rank_);
    const int64_t axis = softmax.axis < 0 ? softmax.axis + rank : softmax.axis;
    if (softmax.flattens && axis != rank - 1) return unsupported(node_, "over several dimensions");
    spec_.attributes["axis"] = axis;
    return {};
  }
  Result<void> describe(const Reduce& reduce) {
    spec_.attributes["keepdims"] = int64_t{reduce.keep_dimensions};
    if (!reduce.axes) return {};
    if (reduce.kind == ReduceKind::Sum) {
      integers(1, *reduce.axes);
    } else {
      put(spec_.attributes, "axes", *reduce.axes);
    }
    return {};
  }
  Result<void> describe(const Transpose& transpose) {
    put(spec_.attributes, "perm", transpose.permutation);
    return {};
  }
  Result<void> describe(const Concat& concat) { return axis(concat.axis); }
  Result<void> describe(const Gather& gather) { return axis(gather.axis); }
  Result<void> describe(const Flatten& flatten) { return axis(flatten.axis); }
  Result<void> describe(const Slice& slice) {
    if (!slice.from_attributes) return {};
    integers(1, slice.starts);
    integers(2, slice.ends);
    if (slice.axes) integers(3, *slice.axes);
    return {};
  }
  Result<void> describe(const Split& split) {
    if (split.sizes) integers(1, *split.sizes);
    return axis(split.axis);
  }
  Result<void> describe(const Pad& pad) {
    spec_.attributes["mode"] = std::string(pad.mode == PadMode::Constant  ? "constant"
                                           : pad.mode == PadMode::Reflect ? "reflect"
                                                                          : "edge");
    if (!pad.pads) return {};
    integers(1, *pad.pads);
    number(2, pad.value);
    return {};
  }
  Result<void> describe(const Reshape& reshape) {
    if (reshape.zero_is_zero) return unsupported(node_, "to a size of zero");
    return {};
  }
  Result<void> describe(const Squeeze& squeeze) {
    if (squeeze.axes) integers(1, *squeeze.axes);
    return {};
  }
  Result<void> describe(const Unsqueeze& unsqueeze) {
    if (unsqueeze.axes) integers(1, *unsqueeze.axes);
    return {};
  }
  Result<void> describe(const Cast& cast) {
    constexpr int64_t kFloat = 1, kInt64 = 7;  // of TensorProto
    spec_.attributes["to"] = cast.to == ElementKind::Float ? kFloat : kInt64;
    return {};
  }
  Result<void> describe(const ShapeOf& of) {
    if (of.start != 0 || of.end) return unsupported(node_, "of some dimensions only");
    return {};
  }
  Result<void> describe(const ConstantOfShape& fill) {
    if (fill.value->kind == ElementKind::Float) {
      spec_.attributes["value"] = Tensor{{1}, fill.value->floats};
    } else {
      spec_.attributes["value"] = IntegerTensor{{1}, fill.value->integers};
    }
    return {};
  }
  Result<void> describe(const Resize& resize) {
    constexpr const char* kCoordinates[] = {"half_pixel", "pytorch_half_pixel", "align_corners",
                                            "asymmetric", ""};
    constexpr const char* kNearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    if (resize.coordinates == ResizeCoordinates::TfHalfPixel) {
      return unsupported(node_, "of coordinates that opset 13 does not know");
    }
    spec_.op_type = "Resize";
    spec_.attributes = {
        {"mode", std::string(resize.mode == ResizeMode::Linear ? "linear" : "nearest")},
        {"coordinate_transformation_mode",
         std::string(kCoordinates[static_cast<size_t>(resize.coordinates)])},
        {"nearest_mode", std::string(kNearest[static_cast<size_t>(resize.nearest)])}};
    if (!resize.scales.empty()) {
      spec_.inputs.resize(2);
      floats(2, {static_cast<int64_t>(resize.scales.size())}, resize.scales);
    } else if (resize.scales_input == 1) {
      spec_.inputs = {spec_.inputs[0], "", spec_.inputs[1]};
    }
    // A region of interest means nothing to these modes, and may have been folded away.
    if (spec_.inputs.size() > 1) spec_.inputs[1].clear();
    return {};
  }
  template <typename Quantized>
  Result<void> describe(const Quantized&) {
    return unsupported(node_, "in a network that is quantized already");
  }

  Result<void> axis(int64_t axis) {
    spec_.attributes["axis"] = axis;
    return {};
  }
  std::string constant_name(size_t position) {
    if (spec_.inputs.size() <= position) spec_.inputs.resize(position + 1);
    return spec_.inputs[position] =
               unique_.fresh(fmt::format("{}_operand{}", spec_.outputs[0], position));
  }
  void integers(size_t position, const std::vector<int64_t>& numbers) {
    builder_.add_initializer(constant_name(position),
                             IntegerTensor{{static_cast<int64_t>(numbers.size())}, numbers});
  }
  void floats(size_t position, const Shape& shape, const std::vector<float>& numbers) {
    builder_.add_initializer(constant_name(position), Tensor{shape, numbers});
  }
  void number(size_t position, float value) { floats(position, {}, {value}); }
  void bound(size_t position, float value) {
    const bool is_given = position < spec_.inputs.size() && !spec_.inputs[position].empty();
    const bool is_open = std::abs(value) >= std::numeric_limits<float>::max();
    if (!is_given && !is_open) number(position, value);
  }

  const Node& node_;
  size_t rank_;
  UniqueNames& unique_;
  GraphBuilder& builder_;
  NodeSpec spec_;
};

/// A name for every value: the ports' own, and what the file called the rest, made unique.
std::vector<std::string> name_values(const Graph& graph, UniqueNames& unique) {
  std::vector<std::string> names(graph.values.size());
  const auto name_ports = [&](const auto& ports, const auto& values) {
    for (size_t index = 0; index < ports.size(); ++index) {
      unique.fresh(ports[index].name);
      std::string& name = names[static_cast<size_t>(values[index])];
      if (name.empty()) name = ports[index].name;
    }
  };
  name_ports(graph.inputs, graph.input_values);
  name_ports(graph.outputs, graph.output_values);
  for (size_t index = 0; index < names.size(); ++index) {
    const std::string& own = graph.values[index].name;
    if (names[index].empty()) names[index] = unique.fresh(own.empty() ? "value" : own);
  }
  return names;
}

class GraphWriter {
 public:
  GraphWriter(const Graph& graph, std::span<const Shape> shapes)
      : graph_(graph),
        shapes_(shapes),
        builder_("network", kWrittenOpset),
        names_(name_values(graph, unique_)) {}

  Result<std::vector<std::byte>> write(const WriteNode& write_node) {
    for (const PortInfo& port : graph_.inputs) builder_.add_input(port);
    for (const PortInfo& port : graph_.outputs) builder_.add_output(port);
    for (size_t index = 0; index < graph_.nodes.size(); ++index) {
      const Node& node = graph_.nodes[index];
      if (write_node(index, names_, unique_, builder_)) continue;
      std::vector<std::string> inputs, outputs;
      for (const ValueIndex value : node.inputs) {
        if (value == kNoValue) {
          inputs.emplace_back();
          continue;
        }
        const auto at = static_cast<size_t>(value);
        inputs.push_back(names_[at]);
        write_if_constant(at);
      }
      for (const ValueIndex value : node.outputs)
        outputs.push_back(names_[static_cast<size_t>(value)]);
      const size_t rank =
          node.inputs[0] == kNoValue ? 0 : shapes_[static_cast<size_t>(node.inputs[0])].size();
      TRY(NodeWriter(node, rank, std::move(inputs), std::move(outputs), unique_, builder_).write());
    }
    add_renamed_outputs();
    return builder_.serialize();
  }

 private:
  void write_if_constant(size_t value) {
    const ConstantPtr& constant = graph_.values[value].constant;
    if (constant && written_.insert(value).second) add_constant(names_[value], *constant);
  }
  void add_constant(const std::string& name, const Constant& constant) {
    if (constant.kind == ElementKind::Float) {
      builder_.add_initializer(name, Tensor{constant.shape, constant.floats});
    } else {
      builder_.add_initializer(name, IntegerTensor{constant.shape, widened_integers(constant)});
    }
  }
  static std::vector<int64_t> widened_integers(const Constant& constant) {
    if (constant.kind == ElementKind::Integer) return constant.integers;
    return {constant.bytes.begin(), constant.bytes.end()};
  }

  /// A value that two ports name gets the second name from an Identity.
  void add_renamed_outputs() {
    for (size_t index = 0; index < graph_.outputs.size(); ++index) {
      write_if_constant(static_cast<size_t>(graph_.output_values[index]));
      const std::string& from = names_[static_cast<size_t>(graph_.output_values[index])];
      const std::string& to = graph_.outputs[index].name;
      if (from != to) builder_.add_node({"Identity", {from}, {to}, {}, to});
    }
  }

  const Graph& graph_;
  std::span<const Shape> shapes_;
  GraphBuilder builder_;
  UniqueNames unique_;
  std::vector<std::string> names_;  ///< by value
  std::set<size_t> written_;        ///< constants, by value
};

}  // namespace

std::map<std::string, AttributeValue> conv_attributes(const Conv& conv) {
  Attributes attributes = window_attributes(conv.window);
  attributes["group"] = conv.group_count;
  return attributes;
}

Result<std::vector<std::byte>> write_graph(const Graph& graph, std::span<const Shape> shapes,
                                           const WriteNode& write_node) {
  return GraphWriter(graph, shapes).write(write_node);
}

}  // namespace faceforge::nn
