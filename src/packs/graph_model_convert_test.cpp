// Graphs that must be refused, and how. What operators compute is in graph_operators_slow_test.cpp.
#include "packs/graph_model_convert.h"

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/network.h"
#include "support/test_graph.h"

namespace faceforge::packs {
namespace {

using test::flag_attribute;
using test::integer_attribute;
using test::list_attribute;
using test::TestGraph;
using test::text_attribute;
using ::testing::AllOf;
using ::testing::HasSubstr;

Result<std::vector<std::byte>> converted(const TestGraph& graph, const std::string& tensor = "y") {
  const auto model = parse_graph_model(graph.json(), graph.bytes());
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return Unexpected(model.error());
  return convert_graph_model(*model, "test", {{.tensor = tensor, .name = "out"}});
}

Error error_of(const TestGraph& graph, const std::string& tensor = "y") {
  const auto bytes = converted(graph, tensor);
  EXPECT_FALSE(bytes) << "the graph was converted";
  return bytes ? Error{} : bytes.error();
}

/// With a weight: a manifest of none is refused.
TestGraph with_input(const std::vector<int64_t>& shape) {
  TestGraph graph;
  return graph.input("x", shape).floats("unused", {1}, {0});
}

TestGraph of_picture() {
  return with_input({-1, 4, 4, 2});
}

TEST(ConvertGraphModel, AnUnknownOperatorIsNamedWithItsNode) {
  auto graph = of_picture();
  const Error error = error_of(graph.node("y", "NonMaxSuppressionV5", {"x"}));
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_EQ(error.reason, "graph_operator_unsupported");
  EXPECT_THAT(error.message, AllOf(HasSubstr("NonMaxSuppressionV5"), HasSubstr("node y")));
}

TEST(ConvertGraphModel, AnUnknownOperatorThatNoOutputNeedsIsLeftOut) {
  auto graph = of_picture();
  graph.node("z", "NonMaxSuppressionV5", {"x"}).node("y", "Relu", {"x"});
  EXPECT_TRUE(converted(graph));
}

TEST(ConvertGraphModel, AnUnknownActivationThatIsFusedIsNamed) {
  auto graph = of_picture();
  graph.floats("w", {1, 1, 2, 1}, {1, 1})
      .node("y", "_FusedConv2D", {"x", "w"}, test::texts_attribute("fused_ops", {"Mish"}));
  const Error error = error_of(graph);
  EXPECT_EQ(error.reason, "graph_operator_unsupported");
  EXPECT_THAT(error.message, AllOf(HasSubstr("Mish"), HasSubstr("node y")));
}

TEST(ConvertGraphModel, AGraphThatDoesNotHoldTogetherIsRefused) {
  auto missing = of_picture();
  EXPECT_EQ(error_of(missing.node("y", "Relu", {"z"})).reason, "graph_node_missing");
  auto cyclic = of_picture();
  cyclic.node("a", "Add", {"x", "y"}).node("y", "Relu", {"a"});
  EXPECT_EQ(error_of(cyclic).reason, "graph_cyclic");
  auto port = of_picture();
  EXPECT_EQ(error_of(port.node("y", "Relu", {"x:1"})).reason, "graph_model_malformed");
  auto without_weights = of_picture();
  without_weights.node("w", "Const", {}).node("y", "Add", {"x", "w"}).floats("other", {1}, {1});
  EXPECT_EQ(error_of(without_weights).reason, "weight_missing");
  auto known = of_picture();
  EXPECT_EQ(error_of(known.floats("y", {1}, {1})).reason, "graph_operator_unsupported");
  auto whole = of_picture();
  whole.node("y", "Relu", {"x"});
  EXPECT_EQ(error_of(whole, "z").reason, "graph_output_missing");
  EXPECT_EQ(error_of(whole, "y:1").reason, "graph_output_missing");
}

TEST(ConvertGraphModel, AnInputThatIsNoOpenBatchOfKnownSizesIsRefused) {
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{}, {2, 4}, {-1, -1, 4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}) {
    auto graph = with_input(shape);
    graph.node("y", "Relu", {"x"});
    EXPECT_EQ(error_of(graph).reason, "graph_operator_unsupported") << shape.size();
  }
  auto negative = with_input({-1, -7});
  EXPECT_EQ(error_of(negative.node("y", "Relu", {"x"})).reason, "graph_model_malformed");
  auto huge = with_input({-1, 1 << 20, 1 << 20});
  EXPECT_EQ(error_of(huge.node("y", "Relu", {"x"})).reason, "graph_tensor_too_large");
}

TEST(ConvertGraphModel, WhatWouldMixThePicturesOfABatchIsRefused) {
  struct Case {
    std::string op;
    std::vector<int32_t> numbers;
    std::string attributes;
  };
  for (const Case& one : {Case{"Mean", {0}, ""}, Case{"Reshape", {32}, ""},
                          Case{"Reshape", {-1, 8}, ""}, Case{"Transpose", {3, 0, 1, 2}, ""}}) {
    auto graph = of_picture();
    graph.integers("n", {static_cast<int64_t>(one.numbers.size())}, one.numbers)
        .node("y", one.op, {"x", "n"}, one.attributes);
    EXPECT_EQ(error_of(graph).reason, "graph_operator_unsupported") << one.op;
  }
}

TEST(ConvertGraphModel, OperandsThatDoNotFitAreMalformedAndNamed) {
  const auto expect = [](TestGraph graph, std::string_view reason) {
    const Error error = error_of(graph);
    EXPECT_EQ(error.reason, reason);
    EXPECT_THAT(error.message, HasSubstr("node y"));
  };
  auto channels = of_picture();
  channels.floats("w", {1, 1, 3, 1}, {1, 1, 1}).node("y", "Conv2D", {"x", "w"});
  expect(channels, "graph_model_malformed");
  auto window = of_picture();
  window.floats("w", {5, 5, 2, 1}, std::vector<float>(50, 1)).node("y", "Conv2D", {"x", "w"});
  expect(window, "graph_model_malformed");  // VALID: 5x5 on 4x4
  auto stride = of_picture();
  stride.floats("w", {1, 1, 2, 1}, {1, 1})
      .node("y", "Conv2D", {"x", "w"}, list_attribute("strides", {1, -2, 1, 1}));
  expect(stride, "graph_model_malformed");
  auto border = of_picture();
  border.integers("n", {4, 2}, {0, 0, 0, -1, 0, 0, 0, 0}).node("y", "Pad", {"x", "n"});
  expect(border, "graph_model_malformed");
  auto axis = of_picture();
  axis.integers("n", {1}, {4}).node("y", "Mean", {"x", "n"});
  expect(axis, "graph_model_malformed");
  auto bias = of_picture();
  bias.floats("w", {3}, {1, 1, 1}).node("y", "BiasAdd", {"x", "w"});
  expect(bias, "graph_model_malformed");
  auto broadcast = of_picture();
  broadcast.floats("w", {3}, {1, 1, 1}).node("y", "Mul", {"x", "w"});
  expect(broadcast, "graph_model_malformed");
  auto inputless = of_picture();
  inputless.node("y", "Relu", {});
  expect(inputless, "graph_model_malformed");
  auto sides = of_picture();
  sides.integers("n", {2}, {0, -3}).node("y", "ResizeBilinear", {"x", "n"});
  expect(sides, "graph_model_malformed");
  auto enormous = of_picture();
  enormous.integers("n", {2}, {1 << 30, 1 << 30}).node("y", "ResizeBilinear", {"x", "n"});
  expect(enormous, "graph_tensor_too_large");
}

TEST(ConvertGraphModel, ASplitIntoMorePartsThanInputsCanNameIsRefusedBeforeItIsMade) {
  const auto in_parts = [](int64_t count) {
    TestGraph graph;
    return graph.input("x", {-1, count})
        .integers("axis", {}, {1})
        .node("parts", "Split", {"axis", "x"}, integer_attribute("num_split", count))
        .node("y", "Relu", {fmt::format("parts:{}", std::min<int64_t>(count - 1, 1'000))});
  };
  EXPECT_TRUE(converted(in_parts(1'001)));
  const Error error = error_of(in_parts(int64_t{1} << 28));
  EXPECT_EQ(error.reason, "graph_operator_unsupported");
  EXPECT_THAT(error.message, AllOf(HasSubstr("268435456 parts"), HasSubstr("limit is 1001")));
  TestGraph listed;
  listed.input("x", {-1, 1'002})
      .integers("axis", {}, {1})
      .integers("sizes", {1'002}, std::vector<int32_t>(1'002, 1))
      .node("y", "SplitV", {"x", "sizes", "axis"});
  EXPECT_THAT(error_of(listed).message, HasSubstr("1002 parts"));
}

TEST(ConvertGraphModel, ASmallFileCannotAskForManyCopiesOfItsWeights) {
  // 4 MB a copy, as often as there are nodes: 2000 of them would be 8 GB.
  TestGraph graph;
  graph.input("x", {-1, 1 << 20}).floats("w", {1 << 20}, std::vector<float>(1 << 20, 1));
  std::string last = "x";
  for (int index = 0; index < 2'000; ++index) {
    const std::string name = index == 1'999 ? "y" : fmt::format("n{}", index);
    graph.node(name, "Add", {last, "w"});
    last = name;
  }
  const Error error = error_of(graph);
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "graph_model_too_large");
  EXPECT_THAT(error.message, HasSubstr("limit is 536870912"));
}

TEST(ConvertGraphModel, ListsOfIntegersThatDoubleAreRefusedBeforeMemoryRunsOut) {
  auto graph = of_picture();
  graph.integers("axis", {}, {0}).integers("n0", {1}, {1});
  for (int index = 0; index < 60; ++index) {
    const std::string last = fmt::format("n{}", index);
    graph.node(fmt::format("n{}", index + 1), "ConcatV2", {last, last, "axis"});
  }
  EXPECT_EQ(error_of(graph.node("y", "Reshape", {"x", "n60"})).reason, "graph_model_too_large");
}

TEST(ConvertGraphModel, AConstantOfMoreDimensionsThanNetworksHaveIsRefused) {
  auto graph = of_picture();
  graph.integers("axis", {}, {0}).floats("n0", {}, {1});
  for (int index = 0; index < 9; ++index) {
    graph.node(fmt::format("n{}", index + 1), "ExpandDims", {fmt::format("n{}", index), "axis"});
  }
  EXPECT_THAT(error_of(graph.node("y", "Add", {"x", "n9"})).message, HasSubstr("9 dimensions"));
}

TEST(ConvertGraphModel, ADeepGraphIsConvertedWithoutRecursion) {
  // relu(x) - (-(-...(slope * relu(-x))) looks like a PReLU until the signs are counted.
  auto graph = of_picture();
  graph.floats("w", {2}, {0.5F, 0.25F})
      .node("relu", "Relu", {"x"})
      .node("minus", "Neg", {"x"})
      .node("negative", "Relu", {"minus"})
      .node("n0", "Mul", {"w", "negative"});
  constexpr int kDepth = 10'000;
  for (int index = 0; index < kDepth; ++index) {
    graph.node(fmt::format("n{}", index + 1), "Neg", {fmt::format("n{}", index)});
  }
  graph.node("y", "Sub", {"relu", fmt::format("n{}", kDepth)});
  EXPECT_TRUE(converted(graph));
}

TEST(ConvertGraphModel, ManyResultsOfOneNodeAreNamedInLittleTime) {
  auto graph = with_input({-1, 2});
  graph.node("minus", "Neg", {"x"});
  std::vector<std::string> all;
  for (int index = 0; index < 40'000; ++index) all.emplace_back(index % 2 == 0 ? "x" : "minus");
  graph.node("y", "AddN", all);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(converted(graph));
  // A search from the first number for each of them took minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(ConvertGraphModel, ReluMinusSlopesTimesReluOfTheNegativeIsOnePrelu) {
  for (const bool adds : {false, true}) {
    auto graph = of_picture();
    graph.floats("w", {2}, {0.5F, 0.25F})
        .node("relu", "Relu", {"x"})
        .node("minus", "Neg", {"x"})
        .node("negative", "Relu", {"minus"})
        .node("slopes", adds ? "Neg" : "Identity", {"product"})
        .node("product", "Mul", {"w", "negative"})
        .node("y", adds ? "AddV2" : "Sub", {"relu", "slopes"});
    const auto bytes = converted(graph);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto network = nn::Network::parse(*bytes);
    ASSERT_TRUE(network) << network.error().message;
    nn::Tensor input{.shape = {1, 2, 4, 4}, .values = std::vector<float>(32, -8)};
    const auto output = network->run(input);
    ASSERT_TRUE(output);
    EXPECT_EQ(output->at(0).values.front(), -4);
    EXPECT_EQ(output->at(0).values.back(), -2);
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    EXPECT_THAT(std::string(text), HasSubstr("PRelu"));
    EXPECT_THAT(std::string(text), ::testing::Not(HasSubstr("Neg")));
  }
}

}  // namespace
}  // namespace faceforge::packs
