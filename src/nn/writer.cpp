#include "nn/writer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include "nn/onnx_names.h"
#include "nn/shape.h"

namespace faceforge::nn {

struct GraphBuilder::State {
  onnx::ModelProto model;
  std::string misfit;  ///< the first tensor whose values are not as many as its shape says
  size_t weight_bytes = 0;
};

namespace {

constexpr size_t kFormatLimit_bytes = 0x7FFFFFFF;

void write_port(const PortInfo& port, onnx::ValueInfoProto& proto) {
  proto.set_name(port.name);
  auto* type = proto.mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  auto* shape = type->mutable_shape();
  for (size_t axis = 0; axis < port.shape.size(); ++axis) {
    auto* dimension = shape->add_dim();
    if (port.shape[axis] >= 0) {
      dimension->set_dim_value(port.shape[axis]);
    } else {
      dimension->set_dim_param(port.name + "_" + std::to_string(axis));
    }
  }
}

template <typename Numbers>
void write_raw(const std::string& name, const Shape& shape, const Numbers& numbers,
               onnx::TensorProto::DataType type, onnx::TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(type);
  for (const int64_t dimension : shape) proto.add_dims(dimension);
  proto.set_raw_data(numbers.data(), numbers.size() * sizeof(numbers[0]));
}

void write(const std::string& name, const Tensor& tensor, onnx::TensorProto& proto) {
  write_raw(name, tensor.shape, tensor.values, onnx::TensorProto::FLOAT, proto);
}

void write(const std::string& name, const IntegerTensor& tensor, onnx::TensorProto& proto) {
  write_raw(name, tensor.shape, tensor.values, onnx::TensorProto::INT64, proto);
}

template <typename AnyTensor>
bool fits(const AnyTensor& tensor) {
  const auto count = checked_element_count(tensor.shape, kFormatLimit_bytes);
  return count && *count == tensor.values.size();
}

struct AttributeWriter {
  onnx::AttributeProto& proto;
  std::string& misfit;

  void operator()(int64_t value) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(value);
  }
  void operator()(float value) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(value);
  }
  void operator()(const std::string& value) {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) {
    proto.set_type(onnx::AttributeProto::INTS);
    proto.mutable_ints()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) {
    proto.set_type(onnx::AttributeProto::FLOATS);
    proto.mutable_floats()->Assign(values.begin(), values.end());
  }
  template <typename AnyTensor>
  void operator()(const AnyTensor& tensor) {
    proto.set_type(onnx::AttributeProto::TENSOR);
    if (!fits(tensor) && misfit.empty()) misfit = proto.name();
    write("", tensor, *proto.mutable_t());
  }
};

}  // namespace

GraphBuilder::GraphBuilder(std::string graph_name, int64_t opset)
    : state_(std::make_unique<State>()) {
  // The format version that came with opset 13; readers of later opsets accept it.
  state_->model.set_ir_version(7);
  state_->model.set_producer_name("faceforge");
  state_->model.add_opset_import()->set_version(opset);
  state_->model.mutable_graph()->set_name(std::move(graph_name));
}

GraphBuilder::~GraphBuilder() = default;
GraphBuilder::GraphBuilder(GraphBuilder&&) noexcept = default;
GraphBuilder& GraphBuilder::operator=(GraphBuilder&&) noexcept = default;

GraphBuilder& GraphBuilder::add_input(const PortInfo& port) {
  write_port(port, *state_->model.mutable_graph()->add_input());
  return *this;
}

GraphBuilder& GraphBuilder::add_output(const PortInfo& port) {
  write_port(port, *state_->model.mutable_graph()->add_output());
  return *this;
}

GraphBuilder& GraphBuilder::add_initializer(const std::string& name, const Tensor& tensor) {
  if (!fits(tensor) && state_->misfit.empty()) state_->misfit = name;
  state_->weight_bytes += tensor.values.size() * sizeof(float);
  write(name, tensor, *state_->model.mutable_graph()->add_initializer());
  return *this;
}

GraphBuilder& GraphBuilder::add_initializer(const std::string& name, const IntegerTensor& tensor) {
  if (!fits(tensor) && state_->misfit.empty()) state_->misfit = name;
  state_->weight_bytes += tensor.values.size() * sizeof(int64_t);
  write(name, tensor, *state_->model.mutable_graph()->add_initializer());
  return *this;
}

GraphBuilder& GraphBuilder::add_initializer(const std::string& name, const ByteTensor& tensor) {
  if (!fits(tensor) && state_->misfit.empty()) state_->misfit = name;
  state_->weight_bytes += tensor.values.size();
  write_raw(name, tensor.shape, tensor.values, onnx::TensorProto::INT8,
            *state_->model.mutable_graph()->add_initializer());
  return *this;
}

GraphBuilder& GraphBuilder::add_initializer(const std::string& name, UnsignedByte number) {
  write_raw(name, {}, std::vector{number.value}, onnx::TensorProto::UINT8,
            *state_->model.mutable_graph()->add_initializer());
  return *this;
}

GraphBuilder& GraphBuilder::add_node(const NodeSpec& node) {
  auto* proto = state_->model.mutable_graph()->add_node();
  proto->set_op_type(node.op_type);
  proto->set_name(node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name);
  for (const std::string& name : node.inputs) proto->add_input(name);
  for (const std::string& name : node.outputs) proto->add_output(name);
  for (const auto& [name, value] : node.attributes) {
    auto* attribute = proto->add_attribute();
    attribute->set_name(name);
    std::visit(AttributeWriter{*attribute, state_->misfit}, value);
  }
  return *this;
}

Result<std::vector<std::byte>> GraphBuilder::serialize() const {
  if (!state_->misfit.empty()) {
    return fail(ErrorCode::InvalidInput, "tensor_shape",
                "tensor {} has not as many values as its shape says", quoted_name(state_->misfit));
  }
  const size_t size = state_->model.ByteSizeLong();
  if (std::max(size, state_->weight_bytes) > kFormatLimit_bytes) {
    return fail(ErrorCode::TooLarge, "model_file_too_large", "{} bytes; the limit is {}",
                std::max(size, state_->weight_bytes), kFormatLimit_bytes);
  }
  std::vector<std::byte> bytes(size);
  google::protobuf::io::ArrayOutputStream array(bytes.data(), static_cast<int>(size));
  google::protobuf::io::CodedOutputStream stream(&array);
  stream.SetSerializationDeterministic(true);
  state_->model.SerializeWithCachedSizes(&stream);
  return bytes;
}

}  // namespace faceforge::nn
