#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "packs/graph_model.h"

namespace faceforge::test {

/// Writes TensorFlow.js graph models for tests, as `tensorflowjs_converter` would.
class TestGraph {
 public:
  /// in: `attributes` the members of the node's `attr`, as JSON
  TestGraph& node(const std::string& name, const std::string& op,
                  const std::vector<std::string>& inputs, const std::string& attributes = "") {
    std::string names;
    for (const std::string& input : inputs) {
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ",", input);
    }
    nodes_.push_back(fmt::format(R"({{"name":"{}","op":"{}","input":[{}],"attr":{{{}}}}})", name,
                                 op, names, attributes));
    return *this;
  }

  TestGraph& input(const std::string& name, const std::vector<int64_t>& shape) {
    std::string dimensions;
    for (const int64_t length : shape) {
      dimensions += fmt::format(R"({}{{"size":"{}"}})", dimensions.empty() ? "" : ",", length);
    }
    return node(name, "Placeholder", {},
                fmt::format(R"("shape":{{"shape":{{"dim":[{}]}}}})", dimensions));
  }

  TestGraph& floats(const std::string& name, const std::vector<int64_t>& shape,
                    const std::vector<float>& values) {
    weight(name, shape, "float32");
    append(values.data(), values.size() * sizeof(float));
    return node(name, "Const", {});
  }

  TestGraph& integers(const std::string& name, const std::vector<int64_t>& shape,
                      const std::vector<int32_t>& values) {
    weight(name, shape, "int32");
    append(values.data(), values.size() * sizeof(int32_t));
    return node(name, "Const", {});
  }

  [[nodiscard]] std::string manifest() const {
    return fmt::format(R"([{{"paths":["weights.bin"],"weights":[{}]}}])", fmt::join(weights_, ","));
  }

  [[nodiscard]] std::string json() const {
    return fmt::format(
        R"({{"format":"graph-model","modelTopology":{{"node":[{}]}},"weightsManifest":{}}})",
        fmt::join(nodes_, ","), manifest());
  }

  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void weight(const std::string& name, const std::vector<int64_t>& shape, const char* type) {
    weights_.push_back(fmt::format(R"({{"name":"{}","shape":[{}],"dtype":"{}"}})", name,
                                   fmt::join(shape, ","), type));
  }
  void append(const void* from, size_t size) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + size);
  }

  std::vector<std::string> nodes_;
  std::vector<std::string> weights_;
  std::vector<std::byte> bytes_;
};

}  // namespace faceforge::test
