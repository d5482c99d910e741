#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "nn/network.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace faceforge::nn::test {

/// Sums of a few thousand products in another order differ by less, relative to the largest one.
inline constexpr double kTolerance = 2e-5;

struct Weights {
  torch::Tensor tensor;
};
struct Omitted {};
using Operand = std::variant<torch::Tensor, Weights, std::vector<int64_t>, Omitted>;

inline Tensor to_tensor(const torch::Tensor& from) {
  const auto dense = from.contiguous();
  const float* values = dense.data_ptr<float>();
  return {Shape(dense.sizes().begin(), dense.sizes().end()), {values, values + dense.numel()}};
}

inline torch::Tensor to_torch(const Tensor& from) {
  return torch::from_blob(const_cast<float*>(from.values.data()), from.shape).clone();
}

inline torch::Tensor noise(std::vector<int64_t> shape) {
  return torch::rand(shape) * 4 - 2;
}

/// The types of all nodes that the tests of this process made a model of.
inline std::set<std::string>& tested_types() {
  static std::set<std::string> types;
  return types;
}

/// Collects nodes into a model and runs it on the tensors that it was given.
class Model {
 public:
  explicit Model(int64_t opset = 13) : builder_("test", opset) {}

  std::string input(const torch::Tensor& tensor) {
    const std::string name = "input" + std::to_string(inputs_.size());
    builder_.add_input({name, Shape(static_cast<size_t>(tensor.dim()), -1)});
    inputs_.push_back(to_tensor(tensor));
    return name;
  }
  std::string weights(const torch::Tensor& tensor) {
    const std::string name = "weight" + std::to_string(count_++);
    builder_.add_initializer(name, to_tensor(tensor));
    return name;
  }
  std::string integers(const std::vector<int64_t>& numbers) {
    const std::string name = "integers" + std::to_string(count_++);
    builder_.add_initializer(name, IntegerTensor{{static_cast<int64_t>(numbers.size())}, numbers});
    return name;
  }
  std::string byte(uint8_t number) {
    const std::string name = "byte" + std::to_string(count_++);
    builder_.add_initializer(name, UnsignedByte{number});
    return name;
  }
  std::vector<std::string> node(const std::string& type, const std::vector<std::string>& inputs,
                                std::map<std::string, AttributeValue> attributes = {},
                                size_t output_count = 1) {
    std::vector<std::string> outputs;
    for (size_t index = 0; index < output_count; ++index) {
      outputs.push_back("value" + std::to_string(count_++));
    }
    builder_.add_node({type, inputs, outputs, std::move(attributes)});
    tested_types().insert(type);
    return outputs;
  }
  void output(const std::string& name) { builder_.add_output({name, {}}); }

  std::vector<torch::Tensor> run() {
    const auto bytes = builder_.serialize();
    if (!bytes) throw std::runtime_error(bytes.error().message);
    const auto network = Network::parse(*bytes);
    if (!network) throw std::runtime_error(network.error().message);
    const auto outputs = network->run(inputs_);
    if (!outputs) throw std::runtime_error(outputs.error().message);
    std::vector<torch::Tensor> results;
    for (const Tensor& output : *outputs) results.push_back(to_torch(output));
    return results;
  }

 private:
  GraphBuilder builder_;
  std::vector<Tensor> inputs_;
  size_t count_ = 0;
};

inline std::vector<torch::Tensor> run_node(
    const std::string& type, const std::vector<Operand>& operands,
    const std::map<std::string, AttributeValue>& attributes = {}, int64_t opset = 13,
    size_t output_count = 1) {
  Model model(opset);
  std::vector<std::string> names;
  for (const Operand& operand : operands) {
    if (const auto* tensor = std::get_if<torch::Tensor>(&operand)) {
      names.push_back(model.input(*tensor));
    } else if (const auto* weights = std::get_if<Weights>(&operand)) {
      names.push_back(model.weights(weights->tensor));
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&operand)) {
      names.push_back(model.integers(*integers));
    } else {
      names.emplace_back();
    }
  }
  for (const auto& name : model.node(type, names, attributes, output_count)) model.output(name);
  return model.run();
}

inline void expect_close(const torch::Tensor& ours, const torch::Tensor& theirs) {
  ASSERT_EQ(ours.sizes(), theirs.sizes());
  const double scale = std::max(1e-3, theirs.abs().max().item<double>());
  EXPECT_LE((ours - theirs).abs().max().item<double>(), kTolerance * scale);
}

}  // namespace faceforge::nn::test
