// Compares the conversion of every operator with TensorFlow.js itself
// (tests/graph_operators_reference.mjs), in graphs of one or a few nodes.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "nn/network.h"
#include "packs/graph_model_convert.h"
#include "packs/internal/graph_operators.h"
#include "packs/internal/operator_test_cases.h"
#include "packs/internal/reference_test_floats.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test_support::OperatorCase;
using test_support::OperatorInput;

constexpr int64_t kBatchCount = 2;

const std::vector<OperatorCase>& all_cases() {
  static const std::vector<OperatorCase> cases = [] {
    auto all = test_support::layer_cases();
    for (auto more : {test_support::elementwise_cases(), test_support::movement_cases()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return cases;
}

size_t element_count(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t length : shape) count *= static_cast<size_t>(length);
  return count;
}

std::vector<int64_t> batch_shape(const OperatorInput& input) {
  std::vector<int64_t> shape{kBatchCount};
  shape.insert(shape.end(), input.shape.begin(), input.shape.end());
  return shape;
}

/// As TensorFlow has them.
std::vector<float> numbers_of(const OperatorCase& one, const OperatorInput& input) {
  return test_support::scattered(element_count(batch_shape(input)), input.name == "x" ? 1 : 2,
                                 one.numbers);
}

/// Turns the dimensions of a tensor. in: `order` from where each dimension of the result comes
nn::Tensor turned(const nn::Tensor& from, const std::vector<size_t>& order) {
  nn::Tensor result{.shape = {}, .values = std::vector<float>(from.values.size())};
  for (const size_t axis : order) result.shape.push_back(from.shape[axis]);
  std::vector<int64_t> at(order.size(), 0);
  for (float& value : result.values) {
    int64_t place = 0;
    for (size_t axis = 0; axis < order.size(); ++axis) {
      const auto own = std::ranges::find(order, axis) - order.begin();
      place = place * from.shape[axis] + at[static_cast<size_t>(own)];
    }
    value = from.values[static_cast<size_t>(place)];
    for (size_t axis = order.size(); axis-- > 0;) {
      if (++at[axis] < result.shape[axis]) break;
      at[axis] = 0;
    }
  }
  return result;
}

/// All graphs, answered by TensorFlow.js once.
class GraphOperators : public ::testing::TestWithParam<size_t> {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(package() / "package.json")) return;
    folder_ = std::make_unique<test::TemporaryFolder>();
    json::array listed;
    for (const OperatorCase& one : all_cases()) listed.push_back(write_case(one));
    ASSERT_TRUE(write_file_atomically(folder_->path() / "cases.json",
                                      std::string_view(json::to_text(listed))));
    const std::string command =
        fmt::format("node '{}/tests/graph_operators_reference.mjs' '{}' '{}' > '{}/log' 2>&1",
                    test::source_folder().string(), package().string(), folder_->path().string(),
                    folder_->path().string());
    ASSERT_EQ(std::system(command.c_str()), 0)
        << read_text_file(folder_->path() / "log", 1 << 20).value_or("").substr(0, 2'000);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path package() {
    return test::source_folder() / "packaging/npm/node_modules/@vladmandic/human";
  }

  static json::value write_case(const OperatorCase& one) {
    const fs::path own = folder_->path() / one.name;
    EXPECT_TRUE(fs::create_directory(own)) << one.name << " is there twice";
    EXPECT_TRUE(write_file_atomically(own / "model.json", std::string_view(one.graph.json())));
    EXPECT_TRUE(write_file_atomically(own / "weights.bin", one.graph.bytes()));
    json::array inputs;
    for (const OperatorInput& input : one.inputs) {
      test::write_floats(own / (input.name + ".f32"), numbers_of(one, input));
      json::array shape;
      for (const int64_t length : batch_shape(input)) shape.push_back(length);
      inputs.push_back(json::object{{"name", input.name}, {"shape", shape}});
    }
    json::array outputs;
    for (const std::string& output : one.outputs) outputs.emplace_back(output);
    return json::object{{"name", one.name}, {"inputs", inputs}, {"outputs", outputs}};
  }

  /// The outputs of our conversion, in TensorFlow's order of dimensions.
  static Result<std::vector<nn::Tensor>> ours(const OperatorCase& one) {
    const GraphModel model = TRY(parse_graph_model(one.graph.json(), one.graph.bytes()));
    std::vector<GraphOutput> wanted;
    for (const std::string& output : one.outputs) {
      wanted.push_back({.tensor = output, .name = fmt::format("output_{}", wanted.size())});
    }
    const auto bytes = TRY(convert_graph_model(model, one.name, wanted));
    const auto network = TRY(nn::Network::parse(bytes));
    std::vector<nn::Tensor> inputs;
    for (const nn::PortInfo& port : network.inputs()) {
      const bool is_only = one.inputs.size() == 1;
      const auto found = std::ranges::find(one.inputs, port.name, &OperatorInput::name);
      const OperatorInput& input = is_only ? one.inputs.front() : *found;
      nn::Tensor tensor{.shape = batch_shape(input), .values = numbers_of(one, input)};
      inputs.push_back(tensor.shape.size() == 4 ? turned(tensor, {0, 3, 1, 2}) : tensor);
    }
    auto outputs = TRY(network.run(inputs));
    for (nn::Tensor& output : outputs) {
      if (one.is_picture && output.shape.size() == 4) output = turned(output, {0, 2, 3, 1});
    }
    return outputs;
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
};

TEST_P(GraphOperators, AnswersAsTensorFlowJsDoes) {
  if (!folder_) GTEST_SKIP() << "run `npm ci --ignore-scripts` in packaging/npm";
  const OperatorCase& one = all_cases()[GetParam()];
  const fs::path own = folder_->path() / one.name;
  const auto refusal = read_text_file(own / "error.txt", 1 << 20);
  ASSERT_FALSE(refusal) << "TensorFlow.js refuses the graph: " << *refusal;
  const auto outputs = ours(one);
  ASSERT_TRUE(outputs) << outputs.error().message;
  const auto shapes = json::parse(read_text_file(own / "shapes.json", 1 << 20).value());
  ASSERT_TRUE(shapes);
  for (size_t index = 0; index < one.outputs.size(); ++index) {
    json::array shape;
    for (const int64_t length : outputs->at(index).shape) shape.push_back(length);
    EXPECT_EQ(json::to_text(shape), json::to_text(shapes->as_array().at(index)));
    const auto theirs = test::read_floats(own / fmt::format("{}.f32", index));
    float largest = 1;
    for (const float value : theirs) largest = std::max(largest, std::abs(value));
    // Sums of at most 45 products in another order, and exponentials of another library.
    test::expect_close(one.outputs[index].c_str(), outputs->at(index).values, theirs,
                       2e-6F * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GraphOperators, ::testing::Range<size_t>(0, all_cases().size()),
                         [](const auto& parameter) { return all_cases()[parameter.param].name; });

TEST(GraphOperatorCases, ThereIsOneForEveryOperatorThatIsConverted) {
  std::set<std::string, std::less<>> tested;
  for (const OperatorCase& one : all_cases()) {
    const auto model = parse_graph_model(one.graph.json(), one.graph.bytes());
    ASSERT_TRUE(model) << one.name << ": " << model.error().message;
    for (const GraphNode& node : model->nodes) tested.insert(node.op);
  }
  for (const OperatorTable* table :
       {&layer_operators(), &elementwise_operators(), &movement_operators()}) {
    for (const auto& [name, convert] : *table) EXPECT_TRUE(tested.contains(name)) << name;
  }
}

}  // namespace
}  // namespace faceforge::packs
