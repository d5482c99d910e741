#include "nn/onnx_import.h"

#include <string>
#include <unordered_map>

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include "nn/onnx_names.h"
#include "nn/onnx_operators.h"
#include "nn/onnx_tensor.h"

namespace faceforge::nn {
namespace {

using google::protobuf::io::CodedInputStream;

Unexpected malformed(std::string what) {
  return fail(ErrorCode::Corrupt, "model_malformed", "not a usable ONNX model: {}", what);
}

/// Parsed messages take up to a hundred times their bytes in the file, so a small file of tiny
/// messages could fill the memory. Everything but the weights is therefore held to this size.
constexpr size_t kStructureLimit_bytes = size_t{64} << 20;

/// Adds up the bytes of everything in a model that is not the payload of a weight, by walking the
/// wire format of ModelProto.graph.initializer without building any message.
class StructureSize {
 public:
  /// The number of bytes, or nothing when the bytes are no protobuf message.
  static std::optional<size_t> of_model(std::span<const std::byte> bytes) {
    CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                            static_cast<int>(bytes.size()));
    StructureSize size;
    if (!size.walk(stream, Level::Model)) return std::nullopt;
    return size.bytes_;
  }

 private:
  enum class Level { Model, Graph, Weight };

  bool walk(CodedInputStream& stream, Level level) {
    while (const uint32_t tag = stream.ReadTag()) {
      const uint32_t field = tag >> 3;
      bytes_ += 2;
      if ((tag & 7U) != 2) {
        if (!skip_number(stream, tag & 7U)) return false;
        continue;
      }
      uint32_t length = 0;
      if (!stream.ReadVarint32(&length) || length > 0x7FFFFFFFU) return false;
      const auto signed_length = static_cast<int>(length);
      if (stream.BytesUntilLimit() >= 0 && signed_length > stream.BytesUntilLimit()) return false;
      const bool is_graph = level == Level::Model && field == onnx::ModelProto::kGraphFieldNumber;
      const bool is_weight =
          level == Level::Graph && field == onnx::GraphProto::kInitializerFieldNumber;
      if (is_graph || is_weight) {
        const auto limit = stream.PushLimit(signed_length);
        if (!walk(stream, is_graph ? Level::Graph : Level::Weight)) return false;
        stream.PopLimit(limit);
        continue;
      }
      const bool is_payload = level == Level::Weight &&
                              field != onnx::TensorProto::kStringDataFieldNumber &&
                              field != onnx::TensorProto::kExternalDataFieldNumber;
      if (!is_payload) bytes_ += length;
      if (!stream.Skip(signed_length)) return false;
    }
    return stream.ConsumedEntireMessage();
  }

  bool skip_number(CodedInputStream& stream, uint32_t wire_type) {
    uint64_t ignored = 0;
    bytes_ += 8;
    switch (wire_type) {
      case 0:
        return stream.ReadVarint64(&ignored);
      case 1:
        return stream.Skip(8);
      case 5:
        return stream.Skip(4);
      default:
        return false;  // groups are in no version of ONNX
    }
  }

  size_t bytes_ = 0;
};

/// Builds the graph of one model file.
class Importer {
 public:
  explicit Importer(const LoadLimits& limits) : limits_(limits) {}

  Result<Graph> import(const onnx::ModelProto& model) {
    opset_ = TRY(opset_of(model));
    const onnx::GraphProto& proto = model.graph();
    const auto node_count = static_cast<size_t>(proto.node_size());
    if (node_count > limits_.node_count) {
      return fail(ErrorCode::TooLarge, "graph_too_large", "{} nodes; the limit is {}", node_count,
                  limits_.node_count);
    }
    if (proto.sparse_initializer_size() > 0) {
      return fail(ErrorCode::Unsupported, "tensor_type_unsupported", "sparse weights");
    }
    for (const auto& weight : proto.initializer()) {
      const ConstantPtr constant = TRY(read_tensor(weight, limits_));
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
    Operation operation = TRY(read_operation(proto, opset_, limits_));
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
      made = TRY(read_tensor(attribute.t(), limits_));
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
  int64_t opset_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueIndex> by_name_;
};

}  // namespace

Result<Graph> import_onnx(std::span<const std::byte> bytes, const LoadLimits& limits) {
  constexpr size_t kProtobufLimit_bytes = 0x7FFFFFFF;
  const size_t limit_bytes = std::min(limits.file_bytes, kProtobufLimit_bytes);
  if (bytes.size() > limit_bytes) {
    return fail(ErrorCode::TooLarge, "model_file_too_large", "{} bytes; the limit is {}",
                bytes.size(), limit_bytes);
  }
  const auto structure_bytes = StructureSize::of_model(bytes);
  if (!structure_bytes) return malformed("its bytes are no protobuf message");
  if (*structure_bytes > kStructureLimit_bytes) {
    return fail(ErrorCode::TooLarge, "graph_too_large",
                "{} bytes beside the weights; the limit is "
                "{}",
                *structure_bytes, kStructureLimit_bytes);
  }
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return malformed("its bytes are no protobuf message");
  }
  if (!model.has_graph()) return malformed("it has no graph");
  return Importer(limits).import(model);
}

}  // namespace faceforge::nn
