#include "nn/onnx_import.h"

#include <string>
#include <unordered_map>

#include <onnx/onnx_pb.h>

#include "nn/model_size.h"
#include "nn/onnx_names.h"
#include "nn/onnx_operators.h"
#include "nn/onnx_tensor.h"

namespace faceforge::nn {
namespace {

Unexpected malformed(std::string what) {
  return fail(ErrorCode::Corrupt, "model_malformed", "not a usable ONNX model: {}", what);
}

/// Everything but the numbers of weights is held to this size: parsed, it takes several times that.
constexpr size_t kStructureLimit_bytes = size_t{8} << 20;

/// Messages, strings and lists of a file. A large network has some ten thousand; a message takes
/// 300 bytes at most.
constexpr size_t kPartLimit = 300'000;

Result<void> check_size(std::span<const std::byte> bytes, const LoadLimits& limits) {
  constexpr size_t kProtobufLimit_bytes = 0x7FFFFFFF;
  const size_t limit_bytes = std::min(limits.file_bytes, kProtobufLimit_bytes);
  if (bytes.size() > limit_bytes) {
    return fail(ErrorCode::TooLarge, "model_file_too_large", "{} bytes; the limit is {}",
                bytes.size(), limit_bytes);
  }
  const auto size = measure_model(bytes);
  if (!size) return malformed("its bytes are no protobuf message");
  const auto too_large = [](size_t found, std::string_view of_what, size_t limit) {
    return fail(ErrorCode::TooLarge, "graph_too_large", "{} {}; the limit is {}", found, of_what,
                limit);
  };
  if (size->node_count > limits.node_count) {
    return too_large(size->node_count, "nodes", limits.node_count);
  }
  if (size->part_count > kPartLimit) {
    return too_large(size->part_count, "messages, strings and lists", kPartLimit);
  }
  if (size->structure_bytes > kStructureLimit_bytes) {
    return too_large(size->structure_bytes, "bytes beside the weights", kStructureLimit_bytes);
  }
  return ByteBudget(limits.weight_bytes).take(size->weight_bytes);
}

/// Builds the graph of one model file.
class Importer {
 public:
  Importer(const LoadLimits& limits, ByteBudget& budget) : limits_(limits), budget_(budget) {}

  /// Takes `model` apart: each weight is freed once it is read.
  Result<Graph> import(onnx::ModelProto& model) {
    opset_ = TRY(opset_of(model));
    onnx::GraphProto& proto = *model.mutable_graph();
    if (proto.sparse_initializer_size() > 0) {
      return fail(ErrorCode::Unsupported, "tensor_type_unsupported", "sparse weights");
    }
    for (auto& initializer : *proto.mutable_initializer()) {
      onnx::TensorProto weight;
      weight.Swap(&initializer);
      const ConstantPtr constant = TRY(read_tensor(weight, limits_, budget_));
      graph_.values[TRY(make_value(weight.name()))].constant = constant;
    }
    TRY(add_inputs(proto));
    for (const auto& node : proto.node()) TRY(add_node(node));
    TRY(add_outputs(proto));
    return std::move(graph_);
  }

 private:
  static Result<int64_t> opset_of(const onnx::ModelProto& model) {
    int64_t opset = 1;  // what the format says of a model that names none
    for (const auto& import : model.opset_import()) {
      if (import.domain().empty() || import.domain() == "ai.onnx") opset = import.version();
    }
    if (opset < kFirstOpset || opset > kLastOpset) {
      return fail(ErrorCode::Unsupported, "opset_unsupported", "opset {}; supported are {} to {}",
                  opset, kFirstOpset, kLastOpset);
    }
    return opset;
  }

  Result<ValueIndex> make_value(const std::string& name) {
    const auto index = static_cast<ValueIndex>(graph_.values.size());
    if (!by_name_.emplace(name, index).second) {
      return malformed("the name " + quoted_name(name) + " is made twice");
    }
    graph_.values.push_back({name, nullptr});
    return index;
  }

  Result<ValueIndex> find_value(const std::string& name, std::string_view user) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      return malformed(
          fmt::format("{} needs {}, which nothing before it makes", user, quoted_name(name)));
    }
    return found->second;
  }

  static Result<PortInfo> read_port(const onnx::ValueInfoProto& proto) {
    PortInfo port{.name = proto.name(), .shape = {}};
    const auto& shape = proto.type().tensor_type().shape();
    if (static_cast<size_t>(shape.dim_size()) > kMaxRank) {
      return fail(ErrorCode::Corrupt, "tensor_shape", "{} has {} dimensions; the limit is {}",
                  quoted_name(port.name), shape.dim_size(), kMaxRank);
    }
    for (const auto& dimension : shape.dim()) {
      // Exporters write an open dimension as a name, as nothing, as -1 and as 0.
      const bool is_open =
          !dimension.has_dim_value() || dimension.dim_value() == 0 || dimension.dim_value() == -1;
      if (!is_open && dimension.dim_value() < 0) {
        return fail(ErrorCode::Corrupt, "tensor_shape", "{} has a dimension of {}",
                    quoted_name(port.name), dimension.dim_value());
      }
      port.shape.push_back(is_open ? -1 : dimension.dim_value());
    }
    return port;
  }

  Result<void> add_inputs(const onnx::GraphProto& proto) {
    for (const auto& input : proto.input()) {
      if (by_name_.contains(input.name())) continue;  // old files list their weights as inputs
      const auto type = input.type().tensor_type().elem_type();
      if (!input.type().has_tensor_type() || type != onnx::TensorProto::FLOAT) {
        return fail(ErrorCode::Unsupported, "tensor_type_unsupported",
                    "input {} has ONNX type {}; 32-bit floats are supported",
                    quoted_name(input.name()), static_cast<int>(type));
      }
      if (!input.type().tensor_type().has_shape()) {
        return malformed("input " + quoted_name(input.name()) + " has no shape");
      }
      graph_.inputs.push_back(TRY(read_port(input)));
      graph_.input_values.push_back(TRY(make_value(input.name())));
    }
    if (graph_.inputs.empty()) return malformed("it has no input");
    return {};
  }

  Result<void> add_node(const onnx::NodeProto& proto) {
    if (proto.op_type() == "Constant" && proto.domain().empty()) return add_constant(proto);
    // Not within the braces below: g++ 12 leaks the members made before a TRY that returns there.
    Operation operation = TRY(read_operation(proto, opset_));
    Node node{
        .op_type = proto.op_type(),
        .name = proto.name().empty() && proto.output_size() > 0 ? proto.output(0) : proto.name(),
        .operation = std::move(operation),
        .inputs = {},
        .outputs = {}};
    for (const auto& input : proto.input()) {
      node.inputs.push_back(input.empty() ? kNoValue : TRY(find_value(input, to_string(node))));
    }
    if (node.inputs[0] == kNoValue) return malformed(to_string(node) + " has no first input");
    // The mask that Dropout gives beside its result has no meaning outside training.
    const int output_count = proto.op_type() == "Dropout" ? 1 : proto.output_size();
    for (int index = 0; index < output_count; ++index) {
      if (proto.output(index).empty()) return malformed(to_string(node) + " omits an output");
      node.outputs.push_back(TRY(make_value(proto.output(index))));
    }
    graph_.nodes.push_back(std::move(node));
    return {};
  }

  Result<void> add_constant(const onnx::NodeProto& proto) {
    if (proto.attribute_size() != 1 || proto.output_size() != 1) {
      return malformed("a Constant has not one value and one output");
    }
    const auto& attribute = proto.attribute(0);
    auto constant = std::make_shared<Constant>();
    ConstantPtr made = constant;
    if (attribute.name() == "value" && attribute.has_t()) {
      made = TRY(read_tensor(attribute.t(), limits_, budget_));
    } else if (attribute.name() == "value_float") {
      constant->floats = {attribute.f()};
    } else if (attribute.name() == "value_floats") {
      constant->floats.assign(attribute.floats().begin(), attribute.floats().end());
      constant->shape = {attribute.floats_size()};
    } else if (attribute.name() == "value_int") {
      constant->kind = ElementKind::Integer;
      constant->integers = {attribute.i()};
    } else if (attribute.name() == "value_ints") {
      constant->kind = ElementKind::Integer;
      constant->integers.assign(attribute.ints().begin(), attribute.ints().end());
      constant->shape = {attribute.ints_size()};
    } else {
      return fail(ErrorCode::Unsupported, "operator_unsupported",
                  "operator 'Constant' of node {}: attribute {}", quoted_name(proto.output(0)),
                  quoted_name(attribute.name()));
    }
    graph_.values[TRY(make_value(proto.output(0)))].constant = made;
    return {};
  }

  Result<void> add_outputs(const onnx::GraphProto& proto) {
    for (const auto& output : proto.output()) {
      graph_.outputs.push_back(TRY(read_port(output)));
      graph_.output_values.push_back(TRY(find_value(output.name(), "the list of outputs")));
    }
    if (graph_.outputs.empty()) return malformed("it has no output");
    return {};
  }

  const LoadLimits& limits_;
  ByteBudget& budget_;
  int64_t opset_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueIndex> by_name_;
};

}  // namespace

Result<Graph> import_onnx(std::span<const std::byte> bytes, const LoadLimits& limits,
                          ByteBudget& budget) {
  TRY(check_size(bytes, limits));
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return malformed("its bytes are no protobuf message");
  }
  if (!model.has_graph()) return malformed("it has no graph");
  return Importer(limits, budget).import(model);
}

}  // namespace faceforge::nn
