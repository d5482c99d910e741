// Feeds damaged ONNX models to the loader and, where they still load, runs them.
//
// faceforge_fuzz_onnx COUNT [SEED]
//
// Every other model is damaged in its bytes, the rest in its meaning: numbers of attributes, shapes
// and sizes at their limits, operands and operators exchanged, nodes gone. The originals are small
// models that hold every operator, and the smallest networks of the data folder where it is there.
// A crash, a hang or (under the sanitizers) an error or a leak fails; a refusal is what most are
// for.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "memory_bound.h"
#include "mutation.h"
#include "nn/network.h"
#include "nn/writer.h"
#include "support/test_data.h"

namespace {

using faceforge::fuzz::Bytes;
using faceforge::fuzz::mutate;
using faceforge::nn::GraphBuilder;
using faceforge::nn::IntegerTensor;
using faceforge::nn::LoadLimits;
using faceforge::nn::Network;
using faceforge::nn::Tensor;
using Integers = std::vector<int64_t>;

constexpr LoadLimits kLimits{.file_bytes = size_t{16} << 20,
                             .node_count = 2000,
                             .elements_per_tensor = size_t{1} << 20,
                             .weight_bytes = size_t{16} << 20,
                             .activation_bytes = size_t{16} << 20};

constexpr size_t kMemory_bytes = size_t{1} << 30;

/// Mutated sizes may still be legal and large; beyond this the run would only cost time.
constexpr int64_t kInputLimit = 1 << 16;

Tensor ramp(std::vector<int64_t> shape) {
  size_t count = 1;
  for (const int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  Tensor tensor{std::move(shape), std::vector<float>(count)};
  for (size_t index = 0; index < count; ++index) {
    tensor.values[index] = static_cast<float>(index % 17) * 0.1F - 0.8F;
  }
  return tensor;
}

IntegerTensor list(const Integers& numbers) {
  return {{static_cast<int64_t>(numbers.size())}, numbers};
}

/// Convolutions with all that is fused into or folded with them, pooling and matrices.
Bytes layers_model() {
  GraphBuilder model("layers");
  model.add_input({"x", {-1, 3, -1, -1}})
      .add_output({"y", {-1, 5}})
      .add_initializer("w1", ramp({8, 3, 3, 3}))
      .add_initializer("w2", ramp({8, 1, 3, 3}))
      .add_initializer("w3", ramp({8, 8, 1, 1}))
      .add_initializer("eight", ramp({8}))
      .add_initializer("ones", Tensor{{8}, std::vector<float>(8, 1)})
      .add_initializer("slope", ramp({8, 1, 1}))
      .add_initializer("low", Tensor{{}, {-1}})
      .add_initializer("high", Tensor{{}, {6}})
      .add_initializer("matrix", ramp({8, 6}))
      .add_initializer("six", ramp({6}))
      .add_initializer("second", ramp({6, 5}))
      .add_node({"Conv",
                 {"x", "w1", "eight"},
                 {"a"},
                 {{"strides", Integers{2, 2}}, {"pads", Integers{1, 1, 1, 1}}}})
      .add_node({"BatchNormalization", {"a", "eight", "eight", "eight", "ones"}, {"b"}})
      .add_node({"PRelu", {"b", "slope"}, {"c"}})
      .add_node({"Conv",
                 {"c", "w2"},
                 {"d"},
                 {{"group", int64_t{8}}, {"auto_pad", std::string("SAME_UPPER")}}})
      .add_node({"Add", {"c", "d"}, {"e"}})
      .add_node({"LeakyRelu", {"e"}, {"f"}, {{"alpha", 0.1F}}})
      .add_node({"Conv", {"f", "w3"}, {"g"}, {{"dilations", Integers{2, 2}}}})
      .add_node({"Clip", {"g", "low", "high"}, {"h"}})
      .add_node({"MaxPool",
                 {"h"},
                 {"i"},
                 {{"kernel_shape", Integers{3, 3}},
                  {"strides", Integers{2, 2}},
                  {"ceil_mode", int64_t{1}},
                  {"pads", Integers{1, 1, 1, 1}}}})
      .add_node({"AveragePool",
                 {"i"},
                 {"j"},
                 {{"kernel_shape", Integers{2, 2}}, {"count_include_pad", int64_t{1}}}})
      .add_node({"GlobalAveragePool", {"j"}, {"k"}})
      .add_node({"Mul", {"j", "k"}, {"l"}})
      .add_node({"ReduceMean", {"l"}, {"m"}, {{"axes", Integers{2, 3}}}})
      .add_node({"Flatten", {"m"}, {"n"}})
      .add_node({"Gemm", {"n", "matrix", "six"}, {"o"}, {{"alpha", 0.5F}}})
      .add_node({"MatMul", {"o", "second"}, {"p"}})
      .add_node({"Softmax", {"p"}, {"y"}, {{"axis", int64_t{1}}}});
  return model.serialize().value();
}

/// Everything that moves numbers, and sizes computed from shapes.
Bytes shapes_model() {
  GraphBuilder model("shapes");
  model.add_input({"x", {-1, 4, -1, -1}})
      .add_output({"y", {}})
      .add_output({"z", {}})
      .add_initializer("pads", list({0, 0, 1, 2, 0, 0, 0, 1}))
      .add_initializer("one", list({1}))
      .add_initializer("two", list({2}))
      .add_initializer("three", list({3}))
      .add_initializer("minus", list({-1}))
      .add_initializer("parts", list({1, 3}))
      .add_initializer("order", list({3, 0, 2, 1}))
      .add_initializer("scales", Tensor{{4}, {1, 1, 2, 2}})
      .add_node({"Pad", {"x", "pads"}, {"a"}, {{"mode", std::string("reflect")}}})
      .add_node({"Split", {"a", "parts"}, {"b", "c"}, {{"axis", int64_t{1}}}})
      .add_node({"Concat", {"c", "b"}, {"d"}, {{"axis", int64_t{1}}}})
      .add_node({"Gather", {"d", "order"}, {"e"}, {{"axis", int64_t{1}}}})
      .add_node({"Resize", {"e", "", "scales"}, {"f"}, {{"mode", std::string("linear")}}})
      .add_node({"Slice", {"f", "one", "minus", "three", "two"}, {"g"}})
      .add_node({"HardSwish", {"g"}, {"h"}})
      .add_node({"Transpose", {"h"}, {"i"}, {{"perm", Integers{0, 2, 3, 1}}}})
      .add_node({"Shape", {"i"}, {"s"}})
      .add_node({"Gather", {"s", "one"}, {"rows"}})
      .add_node({"Cast", {"rows"}, {"real"}, {{"to", int64_t{1}}}})
      .add_node({"Cast", {"real"}, {"whole"}, {{"to", int64_t{7}}}})
      .add_node({"Mul", {"whole", "one"}, {"product"}})
      .add_node({"Div", {"product", "one"}, {"quotient"}})
      .add_node({"Concat", {"one", "quotient", "minus"}, {"wanted"}, {{"axis", int64_t{0}}}})
      .add_node({"Reshape", {"i", "wanted"}, {"j"}})
      .add_node({"Unsqueeze", {"j", "one"}, {"k"}})
      .add_node({"Squeeze", {"k", "one"}, {"l"}})
      .add_node({"ConstantOfShape", {"s"}, {"fill"}, {{"value", Tensor{{1}, {2}}}}})
      .add_node({"Div", {"i", "fill"}, {"m"}})
      .add_node({"Pow", {"m", "fill"}, {"n"}})
      .add_node({"Sqrt", {"n"}, {"o"}})
      .add_node({"Expand", {"o", "s"}, {"y"}})
      .add_node({"Sigmoid", {"l"}, {"z"}});
  return model.serialize().value();
}

std::vector<Bytes> originals() {
  std::vector<Bytes> files{layers_model(), shapes_model()};
  if (const auto data = faceforge::test::test_data()) {
    for (const char* name : {"packs/yunet-mbf/yunet_n.onnx"}) {
      std::ifstream stream(*data / name, std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(stream), {});
      const auto* first = reinterpret_cast<const std::byte*>(text.data());
      files.emplace_back(first, first + text.size());
    }
  }
  return files;
}

/// Damages what a model says in a file that can still be read: what a parser lets through.
class MeaningMutator {
 public:
  explicit MeaningMutator(std::mt19937_64& random) : random_(random) {}

  Bytes operator()(const Bytes& original) {
    onnx::ModelProto model;
    if (!model.ParseFromArray(original.data(), static_cast<int>(original.size()))) return original;
    for (size_t changes = 1 + below(3); changes > 0; --changes) change(*model.mutable_graph());
    Bytes bytes(model.ByteSizeLong());
    model.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

 private:
  size_t below(size_t limit) {
    return limit == 0 ? 0 : std::uniform_int_distribution<size_t>(0, limit - 1)(random_);
  }
  int below(int limit) { return static_cast<int>(below(static_cast<size_t>(limit))); }

  int64_t odd_number() {
    constexpr int64_t kNumbers[] = {
        0,  1,   2,   3,    4,     5,     7,       8,      -1,        -2,        -3,       16,
        31, 100, 255, 1000, 65535, 65536, 1 << 20, -70000, INT32_MAX, INT64_MAX, INT64_MIN};
    return kNumbers[below(std::size(kNumbers))];
  }

  void change(onnx::GraphProto& graph) {
    if (graph.node_size() == 0) return;
    onnx::NodeProto& node = *graph.mutable_node(below(graph.node_size()));
    const onnx::NodeProto& other = graph.node(below(graph.node_size()));
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        return change_attribute(node);
      case 3:
        return change_weight(graph);
      case 4:
        if (node.input_size() > 0) {
          const bool is_value = below(2) == 0 && other.output_size() > 0;
          node.set_input(below(node.input_size()),
                         is_value || graph.initializer_size() == 0
                             ? other.output(0)
                             : graph.initializer(below(graph.initializer_size())).name());
        }
        return;
      case 5:
        node.set_op_type(other.op_type());
        return;
      case 6:
        graph.mutable_node()->DeleteSubrange(below(graph.node_size()), 1);
        return;
      case 7:
        return remove_operand(node);
      case 8:
        if (node.attribute_size() > 0) {
          node.mutable_attribute()->DeleteSubrange(below(node.attribute_size()), 1);
        }
        return;
      default:
        for (auto& input : *graph.mutable_input()) {
          auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
          if (shape.dim_size() > 0) {
            shape.mutable_dim(below(shape.dim_size()))->set_dim_value(odd_number());
          }
        }
    }
  }

  /// Leaves one operand out, removes it, or removes all of them.
  void remove_operand(onnx::NodeProto& node) {
    if (node.input_size() == 0) return;
    const int index = below(node.input_size());
    switch (below(3)) {
      case 0:
        return node.clear_input();
      case 1:
        return node.set_input(index, "");
      default:
        node.mutable_input()->DeleteSubrange(index, 1);
    }
  }

  void change_attribute(onnx::NodeProto& node) {
    if (node.attribute_size() == 0) return;
    onnx::AttributeProto& attribute = *node.mutable_attribute(below(node.attribute_size()));
    if (attribute.has_i()) attribute.set_i(odd_number());
    if (attribute.has_f()) attribute.set_f(static_cast<float>(odd_number()) * 0.37F);
    if (attribute.ints_size() > 0) {
      attribute.set_ints(below(attribute.ints_size()), odd_number());
      if (below(8) == 0) attribute.add_ints(odd_number());
      if (below(8) == 0) attribute.mutable_ints()->RemoveLast();
    }
  }

  void change_weight(onnx::GraphProto& graph) {
    if (graph.initializer_size() == 0) return;
    onnx::TensorProto& weight = *graph.mutable_initializer(below(graph.initializer_size()));
    if (below(16) == 0) return weight.set_data_location(onnx::TensorProto::EXTERNAL);
    std::string& raw = *weight.mutable_raw_data();
    if (weight.data_type() == onnx::TensorProto::INT64 && raw.size() >= sizeof(int64_t)) {
      const int64_t number = odd_number();
      std::memcpy(raw.data() + below(raw.size() / sizeof number) * sizeof number, &number,
                  sizeof number);
    } else if (weight.dims_size() > 1 && below(2) == 0) {
      weight.mutable_dims()->SwapElements(below(weight.dims_size()), below(weight.dims_size()));
    } else if (weight.dims_size() > 0) {
      weight.set_dims(below(weight.dims_size()), odd_number());
    }
  }

  std::mt19937_64& random_;
};

/// Loads and runs a model, open sizes at 32 and batches at 2. Returns what became of it.
faceforge::Error outcome(const Bytes& bytes) {
  const auto network = Network::parse(bytes, kLimits);
  if (!network) return network.error();
  std::vector<Tensor> inputs;
  for (const auto& port : network->inputs()) {
    int64_t count = 1;
    std::vector<int64_t> shape = port.shape;
    for (int64_t& dimension : shape) {
      if (dimension < 0) dimension = &dimension == shape.data() ? 2 : 32;
      if (dimension > kInputLimit / std::max<int64_t>(1, count)) {
        return {faceforge::ErrorCode::TooLarge, "input too large to run", ""};
      }
      count *= dimension;
    }
    inputs.push_back(ramp(std::move(shape)));
  }
  const auto outputs = network->run(inputs);
  return outputs ? faceforge::Error{.reason = "ran", .message = ""} : outputs.error();
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 2) {
    fmt::print(stderr, "usage: faceforge_fuzz_onnx COUNT [SEED]\n");
    return 2;
  }
  const auto count = static_cast<size_t>(std::atoll(arguments[1]));
  const auto seed = argument_count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 7;
  faceforge::fuzz::bound_memory(kMemory_bytes);
  std::mt19937_64 random(seed);
  const auto files = originals();
  std::map<std::string, size_t> outcomes;
  for (const Bytes& file : files) {
    if (const auto what = outcome(file); what.reason != "ran") {
      fmt::print(stderr, "an undamaged model: {}: {}\n", what.reason, what.message);
      return 1;
    }
  }
  for (size_t index = 0; index < count; ++index) {
    const Bytes& original = files[index % files.size()];
    const Bytes& donor = files[random() % files.size()];
    const Bytes damaged =
        random() % 2 == 0 ? mutate(original, donor, random) : MeaningMutator(random)(original);
    const auto what = outcome(damaged);
    // Within these limits memory cannot run out.
    if (what.reason == "engine_failed" || what.reason == "out_of_memory") {
      fmt::print(stderr, "model {}: {}\n", index, what.message);
    }
    ++outcomes[what.reason];
  }
  fmt::print("{} models:", count);
  for (const auto& [what, times] : outcomes) fmt::print(" {} {},", times, what);
  fmt::print(" no crash, at most {} MB\n", faceforge::fuzz::peak_megabytes());
  return outcomes.contains("engine_failed") || outcomes.contains("out_of_memory") ? 1 : 0;
}
