#include "packs/graph_model.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"
#include "support/test_graph.h"

namespace faceforge::packs {
namespace {

using test::TestGraph;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TestGraph small_graph() {
  TestGraph graph;
  graph.input("x", {-1, 2}).floats("w", {2}, {0.5F, -3}).integers("axis", {}, {1});
  return graph.node("sum", "Add", {"x", "w:0", "^axis"});
}

Error error_of(std::string_view text, const std::vector<std::byte>& bytes = {}) {
  const auto model = parse_graph_model(text, bytes);
  EXPECT_FALSE(model) << "the graph was accepted";
  return model ? Error{} : model.error();
}

/// A graph of one node, given by its JSON, over one weight.
std::string of_node(const std::string& node) {
  return R"({"modelTopology":{"node":[)" + node + R"(]},"weightsManifest":[{"paths":["w.bin"],)" +
         R"("weights":[{"name":"w","shape":[1],"dtype":"float32"}]}]})";
}

TEST(GraphModel, NodesAndTensorsAreReadAndControlInputsAreNot) {
  const TestGraph graph = small_graph();
  const auto model = parse_graph_model(graph.json(), graph.bytes());
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->nodes.size(), 4U);
  const GraphNode& sum = model->nodes[model->index_by_name.at("sum")];
  EXPECT_EQ(sum.op, "Add");
  EXPECT_THAT(sum.inputs,
              ElementsAre(GraphTensor{.node = "x"}, GraphTensor{.node = "w", .port = 0}));
  EXPECT_THAT(model->tensors.floats.at("w").values, ElementsAre(0.5F, -3.0F));
  EXPECT_THAT(model->tensors.integers.at("axis").values, ElementsAre(1));
}

TEST(GraphModel, ATensorIsNamedByItsNodeAndPort) {
  EXPECT_EQ(parse_graph_tensor("a/b:2"), (GraphTensor{.node = "a/b", .port = 2}));
  EXPECT_EQ(parse_graph_tensor("a/b"), (GraphTensor{.node = "a/b", .port = 0}));
  for (const char* text : {"", ":1", "a:", "a:-1", "a:1001", "a:99999999999999999999"}) {
    const auto tensor = parse_graph_tensor(text);
    ASSERT_FALSE(tensor) << text;
    EXPECT_EQ(tensor.error().reason, "graph_model_malformed");
  }
}

TEST(GraphModel, AttributesAreReadInTheirSeveralForms) {
  const std::string attributes =
      R"("i":{"i":"-7"},"j":{"i":3},"f":{"f":0.25},"g":{"f":2},"b":{"b":true},)"
      R"("s":{"s":"U0FNRQ=="},"list":{"list":{"i":["1","2"]}},"none":{"list":{}},)"
      R"("texts":{"list":{"s":["Qmlhc0FkZA==","UmVsdTY="]}},)"
      R"("shape":{"shape":{"dim":[{"size":"-1"},{"size":4}]}},)"
      R"("open":{"shape":{"unknownRank":true}},"scalar":{"shape":{}})";
  GraphNode node{.name = "n", .op = "Op", .inputs = {}};
  node.attributes = json::parse("{" + attributes + "}")->as_object();
  EXPECT_EQ(node.integer("i", 0), -7);
  EXPECT_EQ(node.integer("j", 0), 3);
  EXPECT_EQ(node.integer("missing", 5), 5);
  EXPECT_EQ(node.real("f", 0), 0.25);
  EXPECT_EQ(node.real("g", 0), 2);
  EXPECT_EQ(node.flag("b", false), true);
  EXPECT_EQ(node.text("s", ""), "SAME");
  EXPECT_THAT(*node.integers("list", {}), ElementsAre(1, 2));
  EXPECT_THAT(*node.integers("none", {9}), ElementsAre());
  EXPECT_THAT(*node.integers("missing", {9}), ElementsAre(9));
  EXPECT_THAT(*node.texts("texts"), ElementsAre("BiasAdd", "Relu6"));
  EXPECT_THAT(**node.shape("shape"), ElementsAre(-1, 4));
  EXPECT_FALSE(node.shape("open")->has_value());
  EXPECT_THAT(**node.shape("scalar"), ElementsAre());
}

TEST(GraphModel, AnAttributeOfAnotherTypeIsMalformedAndNamed) {
  GraphNode node{.name = "node_name", .op = "Op", .inputs = {}};
  node.attributes = json::parse(R"({"a": {"x": 1}, "b": 1, "i": {"i": "1.5"}, "s": {"s": "*"},
                                    "l": {"list": {"i": [null]}}, "h": {"shape": {"dim": [1]}}})")
                        ->as_object();
  const auto expect_malformed = [](const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, "graph_model_malformed");
    EXPECT_THAT(result.error().message, HasSubstr("node_name"));
  };
  for (const char* attribute : {"a", "b"}) {
    expect_malformed(node.integer(attribute, 0));
    expect_malformed(node.real(attribute, 0));
    expect_malformed(node.flag(attribute, false));
    expect_malformed(node.text(attribute, ""));
    expect_malformed(node.integers(attribute, {}));
    expect_malformed(node.texts(attribute));
    expect_malformed(node.shape(attribute));
  }
  expect_malformed(node.integer("i", 0));
  expect_malformed(node.text("s", ""));
  expect_malformed(node.integers("l", {}));
  expect_malformed(node.shape("h"));
}

TEST(GraphModel, AFileThatMakesNoSenseIsMalformed) {
  for (const std::string& text : {
           std::string(""),
           std::string("{"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"modelTopology": {}, "weightsManifest": []})"),
           std::string(R"({"modelTopology": {"node": []}, "weightsManifest": []})"),
           std::string(R"({"modelTopology": {"node": 1}, "weightsManifest": []})"),
           of_node("1"),
           of_node("{}"),
           of_node(R"({"name": "a"})"),
           of_node(R"({"name": "", "op": "Add"})"),
           of_node(R"({"name": "a", "op": 7})"),
           of_node(fmt::format(R"({{"name": "{}", "op": "Add"}})", std::string(1'001, 'a'))),
           of_node(fmt::format(R"({{"name": "a", "op": "{}"}})", std::string(1'001, 'A'))),
           of_node(R"({"name": "a", "op": "Add", "input": "b"})"),
           of_node(R"({"name": "a", "op": "Add", "input": [1]})"),
           of_node(R"({"name": "a", "op": "Add", "input": [""]})"),
           of_node(R"({"name": "a", "op": "Add", "attr": []})"),
           of_node(R"({"name": "a", "op": "Add"}, {"name": "a", "op": "Add"})"),
       }) {
    EXPECT_EQ(error_of(text, std::vector<std::byte>(4)).reason, "graph_model_malformed") << text;
  }
}

TEST(GraphModel, OtherKindsOfModelsAreUnsupported) {
  EXPECT_EQ(error_of(R"({"format": "layers-model", "modelTopology": {}})").reason,
            "graph_model_format");
  EXPECT_EQ(error_of(R"({"format": 3})").reason, "graph_model_format");
  EXPECT_EQ(error_of(R"({"modelTopology": {"node": [], "library": {"function": [{}]}},
                         "weightsManifest": []})")
                .reason,
            "graph_model_format");
}

TEST(GraphModel, TooMuchIsRefused) {
  std::string nodes;
  for (int index = 0; index <= 20'000; ++index) {
    nodes += fmt::format(R"({}{{"name":"{}","op":"A"}})", index == 0 ? "" : ",", index);
  }
  EXPECT_EQ(error_of(of_node(nodes)).reason, "graph_model_too_large");
  std::string inputs = R"("a")";
  for (int index = 0; index < 50'000; ++index) inputs += R"(,"a")";
  const std::string half = fmt::format(R"("op":"AddN","input":[{}])", inputs);
  const Error many =
      error_of(of_node(fmt::format(R"({{"name":"one",{}}},{{"name":"two",{}}})", half, half)));
  EXPECT_EQ(many.reason, "graph_model_too_large");
  EXPECT_THAT(many.message, HasSubstr("100002 inputs of nodes or more; the limit is 100000"));
  const std::string long_text((size_t{8} << 20) + 1, ' ');
  EXPECT_EQ(error_of(long_text).reason, "graph_model_too_large");
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "model.json", std::string_view(long_text)));
  const auto from_file = read_graph_model(folder.path() / "model.json");
  ASSERT_FALSE(from_file);
  EXPECT_EQ(from_file.error().reason, "graph_model_too_large");
}

TEST(GraphModel, TensorsThatDoNotFitTheirManifestAreCorrupt) {
  const TestGraph graph = small_graph();
  auto longer = graph.bytes();
  longer.push_back({});
  auto shorter = graph.bytes();
  shorter.pop_back();
  EXPECT_EQ(error_of(graph.json(), longer).reason, "weights_file_size");
  EXPECT_EQ(error_of(graph.json(), shorter).reason, "weights_file_size");
  TestGraph infinite;
  infinite.floats("w", {1}, {std::numeric_limits<float>::infinity()});
  EXPECT_EQ(error_of(infinite.json(), infinite.bytes()).reason, "weight_not_finite");
}

TEST(GraphModel, TheWeightsLieBesideTheFile) {
  const TestGraph graph = small_graph();
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "model.json";
  const auto missing = read_graph_model(file);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "file_not_found");
  ASSERT_TRUE(write_file_atomically(file, std::string_view(graph.json())));
  EXPECT_EQ(read_graph_model(file).error().reason, "file_not_found");
  ASSERT_TRUE(write_file_atomically(folder.path() / "weights.bin", graph.bytes()));
  EXPECT_TRUE(read_graph_model(file));

  std::string outside = graph.json();
  outside.replace(outside.find("weights.bin"), 11, "../weights.bin");
  ASSERT_TRUE(write_file_atomically(file, std::string_view(outside)));
  EXPECT_EQ(read_graph_model(file).error().reason, "weights_manifest_malformed");
}

}  // namespace
}  // namespace faceforge::packs
