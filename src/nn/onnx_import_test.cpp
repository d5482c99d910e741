// Models that are not what they say, made with ONNX's own messages.

#include <cmath>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "nn/network.h"
#include "support/test_data.h"

namespace faceforge::nn {
namespace {

using testing::HasSubstr;

/// y = x + w, with w of shape [2].
class BadModel : public testing::Test {
 protected:
  void SetUp() override {
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(13);
    auto* input = graph().add_input();
    input->set_name("x");
    auto* type = input->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    type->mutable_shape()->add_dim()->set_dim_value(2);
    graph().add_output()->set_name("y");
    add_node("Add", {"x", "w"}, "y");
    weight().set_name("w");
    weight().set_data_type(onnx::TensorProto::FLOAT);
    weight().add_dims(2);
    weight().add_float_data(1);
    weight().add_float_data(2);
  }

  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  onnx::TensorProto& weight() {
    return graph().initializer_size() == 0 ? *graph().add_initializer()
                                           : *graph().mutable_initializer(0);
  }
  void add_node(const std::string& type, const std::vector<std::string>& inputs,
                const std::string& output) {
    auto* node = graph().add_node();
    node->set_op_type(type);
    node->set_name("node_" + output);
    for (const auto& input : inputs) node->add_input(input);
    node->add_output(output);
  }

  Result<Network> parse(const LoadLimits& limits = {}) const {
    const std::string bytes = model_.SerializeAsString();
    return Network::parse(std::as_bytes(std::span(bytes)), limits);
  }
  std::string reason(const LoadLimits& limits = {}) const {
    const auto network = parse(limits);
    return network ? "parsed" : network.error().reason;
  }

  onnx::ModelProto model_;
};

TEST_F(BadModel, IsGoodBeforeItIsSpoilt) {
  EXPECT_EQ(reason(), "parsed");
}

TEST_F(BadModel, OfBytesThatAreNoModel) {
  const auto reason_of = [](std::string_view bytes) {
    return Network::parse(std::as_bytes(std::span(bytes))).error().reason;
  };
  EXPECT_EQ(reason_of(""), "model_malformed");
  EXPECT_EQ(reason_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "model_malformed");
  EXPECT_EQ(reason_of("GIF89a and so on"), "model_malformed");
  const std::string whole = model_.SerializeAsString();
  EXPECT_EQ(reason_of(std::string_view(whole).substr(0, whole.size() / 2)), "model_malformed");
}

TEST_F(BadModel, WithAnOperatorThatIsNotImplemented) {
  graph().mutable_node(0)->set_op_type("FancyNewThing\n");
  const auto network = parse();
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(network.error().reason, "operator_unsupported");
  EXPECT_THAT(network.error().message, HasSubstr("'FancyNewThing?'"));
  EXPECT_THAT(network.error().message, HasSubstr("'node_y'"));
}

TEST_F(BadModel, WithAnOperatorOfAForeignDomain) {
  graph().mutable_node(0)->set_domain("com.microsoft");
  EXPECT_EQ(reason(), "operator_unsupported");
}

TEST_F(BadModel, WithAnAttributeThatIsNotImplemented) {
  graph().mutable_node(0)->set_op_type("Resize");
  graph().mutable_node(0)->mutable_input()->RemoveLast();
  auto* attribute = graph().mutable_node(0)->add_attribute();
  attribute->set_name("mode");
  attribute->set_type(onnx::AttributeProto::STRING);
  attribute->set_s("cubic");
  EXPECT_EQ(reason(), "operator_unsupported");
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->clear_s();
  attribute->set_i(3);
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, OfAnOpsetOutsideNineToSeventeen) {
  for (const int64_t opset : {8, 18, 0, -1}) {
    model_.mutable_opset_import(0)->set_version(opset);
    EXPECT_EQ(reason(), "opset_unsupported") << opset;
  }
  model_.clear_opset_import();
  EXPECT_EQ(reason(), "opset_unsupported");
}

TEST_F(BadModel, WithTensorTypesThatAreNotSupported) {
  weight().set_data_type(onnx::TensorProto::COMPLEX64);
  EXPECT_EQ(reason(), "tensor_type_unsupported");
  weight().set_data_type(onnx::TensorProto::FLOAT);
  graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::UINT8);
  EXPECT_EQ(reason(), "tensor_type_unsupported");
}

TEST_F(BadModel, WithNamesThatNothingMakes) {
  graph().mutable_node(0)->set_input(1, "nobody");
  EXPECT_EQ(reason(), "model_malformed");
  graph().mutable_node(0)->set_input(1, "w");
  graph().mutable_output(0)->set_name("nobody");
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, WithACycle) {
  graph().mutable_node(0)->set_input(0, "z");
  add_node("Relu", {"y"}, "z");
  EXPECT_EQ(reason(), "model_malformed");
  graph().mutable_node(0)->set_input(0, "y");
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, WithANameMadeTwice) {
  add_node("Relu", {"x"}, "y");
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, WithoutInputsOutputsOrEnoughOperands) {
  graph().mutable_node(0)->mutable_input()->RemoveLast();
  EXPECT_EQ(reason(), "model_malformed");
  graph().mutable_node(0)->add_input("");
  EXPECT_EQ(reason(), "model_malformed");
  graph().mutable_node(0)->set_input(1, "w");
  graph().clear_output();
  EXPECT_EQ(reason(), "model_malformed");
  graph().add_output()->set_name("y");
  graph().mutable_node(0)->set_input(0, "w");
  graph().clear_input();
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, WhoseNodesHaveNoOperandAtAll) {
  for (const char* type : {"ConstantOfShape", "Identity", "Concat", "Shape", "Conv", "Resize",
                           "Slice", "Split", "Reshape", "Clip", "Dropout", "Add"}) {
    auto& node = *graph().mutable_node(0);
    node.set_op_type(type);
    node.clear_input();
    EXPECT_EQ(reason(), "model_malformed") << type;
    node.add_input("");
    EXPECT_EQ(reason(), "model_malformed") << type << " whose first operand is left out";
  }
}

TEST_F(BadModel, WithAConstantOfShapeWhoseValueIsNoSingleNumber) {
  auto& node = *graph().mutable_node(0);
  node.set_op_type("ConstantOfShape");
  node.mutable_input()->RemoveLast();
  auto* value = node.add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::FLOAT);
  value->set_f(1);
  EXPECT_EQ(reason(), "model_malformed");
  value->set_type(onnx::AttributeProto::TENSOR);
  *value->mutable_t() = weight();
  EXPECT_EQ(reason(), "model_malformed");
}

TEST_F(BadModel, WhoseWeightsAreFewerThanTheirShapeSays) {
  weight().set_dims(0, 3);
  EXPECT_EQ(reason(), "tensor_outside_file");
  weight().clear_float_data();
  weight().set_raw_data(std::string(11, '\0'));
  EXPECT_EQ(reason(), "tensor_outside_file");
}

TEST_F(BadModel, WithShapesThatNoTensorHas) {
  weight().set_dims(0, -2);
  EXPECT_EQ(reason(), "tensor_shape");
  weight().set_dims(0, 2);
  for (int axis = 0; axis < 8; ++axis) weight().add_dims(1);
  EXPECT_EQ(reason(), "tensor_shape");
}

TEST_F(BadModel, WithShapesThatWouldFillTheMemory) {
  weight().set_dims(0, int64_t{1} << 62);
  EXPECT_EQ(reason(), "tensor_too_large");
  weight().add_dims(int64_t{1} << 62);
  EXPECT_EQ(reason(), "tensor_too_large");
}

TEST_F(BadModel, WithAWeightThatIsNotANumber) {
  weight().set_float_data(1, std::numeric_limits<float>::quiet_NaN());
  const auto network = parse();
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(network.error().reason, "weight_not_finite");
}

TEST_F(BadModel, LargerThanTheLimits) {
  EXPECT_EQ(reason({.file_bytes = 50}), "model_file_too_large");
  EXPECT_EQ(reason({.node_count = 0}), "graph_too_large");
  EXPECT_EQ(reason({.elements_per_tensor = 1}), "tensor_too_large");
}

/// A field of a protobuf message: its tag, the length of its contents, the contents.
std::string field(char tag, const std::string& contents) {
  std::string bytes(1, tag);
  size_t length = contents.size();
  for (; length > 0x7F; length >>= 7) bytes += static_cast<char>((length & 0x7F) | 0x80);
  return bytes + static_cast<char>(length) + contents;
}

TEST_F(BadModel, OfTinyMessagesThatWouldFillTheMemoryOnceParsed) {
  const std::string whole = model_.SerializeAsString();
  const auto reason_with = [&](const std::string& more_of_the_graph) {
    const std::string bytes = whole + field('\x3A', more_of_the_graph);  // protobuf merges the two
    const auto network = Network::parse(std::as_bytes(std::span(bytes)));
    return network ? "parsed" : network.error().reason;
  };
  const auto repeated = [](const std::string& part, size_t count) {
    std::string many;
    for (size_t index = 0; index < count; ++index) many += part;
    return many;
  };
  // Parsed, 4 million empty nodes (8 MB) take 670 MB. GraphProto has other lists of messages too:
  // initializer, value_info, quantization_annotation, sparse_initializer.
  for (const char tag : {'\x0A', '\x2A', '\x6A', '\x72', '\x7A'}) {
    EXPECT_EQ(reason_with(repeated({tag, '\0'}, 300'000)), "graph_too_large") << int{tag};
  }
  const std::string attributes = repeated(std::string("\x2A\x00", 2), 300'000);
  EXPECT_EQ(reason_with(field('\x0A', attributes)), "graph_too_large") << "of one node";
  const std::string of_a_graph = repeated(std::string("\x0A\x00", 2), 300'000);
  const std::string attribute = field('\x2A', field('\x32', of_a_graph));  // AttributeProto.g
  EXPECT_EQ(reason_with(field('\x0A', attribute)), "graph_too_large") << "of a graph within";
  EXPECT_EQ(reason_with(repeated(std::string("\x6A\x00", 2), 1000)), "parsed");
}

TEST_F(BadModel, OfMoreThanEightMegabytesBesideItsWeights) {
  weight().set_doc_string(std::string(8 << 20, '\xFF'));
  EXPECT_EQ(reason(), "graph_too_large");
  weight().set_doc_string(std::string(8'000'000, '\xFF'));
  EXPECT_EQ(reason(), "parsed");
}

TEST_F(BadModel, WhoseWeightsTakeMoreThanTheirLimit) {
  EXPECT_EQ(reason({.weight_bytes = 8}), "parsed") << "two floats";
  EXPECT_EQ(reason({.weight_bytes = 7}), "weights_too_large");
  auto& second = *graph().add_initializer();
  second = weight();
  second.set_name("second");
  EXPECT_EQ(reason({.weight_bytes = 16}), "parsed");
  EXPECT_EQ(reason({.weight_bytes = 15}), "weights_too_large");
  // A byte of the file becomes an integer of eight.
  second.clear_float_data();
  second.set_data_type(onnx::TensorProto::UINT8);
  second.set_raw_data(std::string(2, '\1'));
  EXPECT_EQ(reason({.weight_bytes = 24}), "parsed");
  EXPECT_EQ(reason({.weight_bytes = 23}), "weights_too_large");
  // A signed one stays a byte.
  second.set_data_type(onnx::TensorProto::INT8);
  EXPECT_EQ(reason({.weight_bytes = 10}), "parsed");
  EXPECT_EQ(reason({.weight_bytes = 9}), "weights_too_large");
}

TEST_F(BadModel, WhosePackedNumbersGrowBeyondTheLimitWhenTheyAreParsed) {
  weight().clear_float_data();
  weight().set_data_type(onnx::TensorProto::INT64);
  weight().set_dims(0, 2);
  for (int index = 0; index < 1000; ++index) weight().add_int64_data(1);
  EXPECT_EQ(reason({.weight_bytes = 8000}), "tensor_outside_file");
  EXPECT_EQ(reason({.weight_bytes = 7999}), "weights_too_large") << "before it is parsed";
}

TEST_F(BadModel, WhoseComputedWeightsWouldFillTheMemory) {
  // 2^16 integers each, from a shape of one number.
  weight().set_data_type(onnx::TensorProto::INT64);
  weight().clear_float_data();
  weight().set_dims(0, 1);
  weight().add_int64_data(1 << 16);
  graph().mutable_node(0)->set_op_type("Relu");
  graph().mutable_node(0)->mutable_input()->RemoveLast();
  for (int index = 0; index < 8; ++index) {
    add_node("ConstantOfShape", {"w"}, "filled_" + std::to_string(index));
    auto* value = graph().mutable_node(index + 1)->add_attribute();
    value->set_name("value");
    value->set_type(onnx::AttributeProto::TENSOR);
    value->mutable_t()->set_data_type(onnx::TensorProto::INT64);
    value->mutable_t()->add_int64_data(1);
  }
  const size_t all_bytes = 8 + 8 * (size_t{8} << 16);
  EXPECT_EQ(reason({.weight_bytes = all_bytes}), "parsed");
  EXPECT_EQ(reason({.weight_bytes = all_bytes - 1}), "weights_too_large");
}

TEST_F(BadModel, WhoseWeightsAreScaledOverAndOverTakesNoMoreMemoryForIt) {
  // y = x * w (1000 x 2) scaled by 2 ten times; each folds into the weights before.
  graph().mutable_node(0)->set_op_type("Gemm");
  graph().mutable_node(0)->set_output(0, "y_0");
  auto& shape = *graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(0)->set_dim_value(1);
  shape.add_dim()->set_dim_value(1000);
  weight().set_dims(0, 1000);
  weight().add_dims(2);
  weight().clear_float_data();
  for (int index = 0; index < 2000; ++index) weight().add_float_data(1);
  auto& two = *graph().add_initializer();
  two.set_name("two");
  two.set_data_type(onnx::TensorProto::FLOAT);
  two.add_float_data(2);
  for (int index = 0; index < 10; ++index) {
    const std::string name = index == 9 ? "y" : "y_" + std::to_string(index + 1);
    add_node("Mul", {"y_" + std::to_string(index), "two"}, name);
  }
  const auto network = parse({.weight_bytes = 17'000});
  ASSERT_TRUE(network) << network.error().message;
  const Tensor ones{{1, 1000}, std::vector<float>(1000, 1)};
  const auto outputs = network->run(ones).value();
  EXPECT_EQ(outputs[0].values, (std::vector<float>{1'024'000, 1'024'000}));  // 1000 * 2^10
  EXPECT_EQ(reason({.weight_bytes = 15'000}), "weights_too_large") << "before and after, for once";
}

TEST_F(BadModel, IsGoodWhenItsWeightsAreConstantNodes) {
  auto* constant = graph().add_node();
  constant->set_op_type("Constant");
  constant->add_output("large");
  auto* value = constant->add_attribute();
  value->set_name("value");
  value->mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  value->mutable_t()->add_dims(4 << 20);
  value->mutable_t()->set_raw_data(std::string(16 << 20, '\0'));
  EXPECT_EQ(reason(), "parsed") << "as other exporters write them";
}

TEST_F(BadModel, WhoseWeightsLieInAFileOfTheirOwn) {
  const test::TemporaryFolder folder;
  const float values[] = {1, 2};
  std::ofstream(folder.path() / "weights", std::ios::binary)
      .write(reinterpret_cast<const char*>(values), sizeof values);
  weight().clear_float_data();
  weight().set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = weight().add_external_data();
  entry->set_key("location");
  entry->set_value("weights");
  std::ofstream(folder.path() / "model.onnx", std::ios::binary) << model_.SerializeAsString();
  const auto network = Network::load(folder.path() / "model.onnx");
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(network.error().reason, "external_data_unsupported");
  EXPECT_THAT(network.error().message, HasSubstr("tensor 'w' lies outside the model's file"));
  EXPECT_EQ(reason(), "external_data_unsupported");
  auto* constant = graph().add_node();
  constant->set_op_type("Constant");
  constant->add_output("w");
  auto* value = constant->add_attribute();
  value->set_name("value");
  *value->mutable_t() = weight();
  graph().clear_initializer();
  graph().mutable_node()->SwapElements(0, 1);
  EXPECT_EQ(reason(), "external_data_unsupported") << "nor may a Constant's value";
}

}  // namespace
}  // namespace faceforge::nn
