#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <fmt/ranges.h>

namespace faceforge::test {

/// `"name":{"i":"3"}` and its kin: attributes as protobuf's JSON has them.
inline std::string integer_attribute(const std::string& name, int64_t value) {
  return fmt::format(R"("{}":{{"i":"{}"}})", name, value);
}
inline std::string real_attribute(const std::string& name, double value) {
  return fmt::format(R"("{}":{{"f":{}}})", name, value);
}
inline std::string flag_attribute(const std::string& name, bool value) {
  return fmt::format(R"("{}":{{"b":{}}})", name, value);
}
inline std::string list_attribute(const std::string& name, const std::vector<int64_t>& values) {
  return fmt::format(R"("{}":{{"list":{{"i":["{}"]}}}})", name, fmt::join(values, "\",\""));
}

/// source: RFC 4648, section 4
inline std::string base64(const std::string& text) {
  constexpr const char* kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (size_t at = 0; at < text.size(); at += 3) {
    uint32_t bits = 0;
    for (size_t byte = 0; byte < 3; ++byte) {
      bits =
          bits << 8 | (at + byte < text.size() ? static_cast<unsigned char>(text[at + byte]) : 0U);
    }
    for (size_t letter = 0; letter < 4; ++letter) {
      const bool is_there = at + letter <= text.size();
      encoded += is_there ? kLetters[bits >> (18 - 6 * letter) & 63] : '=';
    }
  }
  return encoded;
}
inline std::string text_attribute(const std::string& name, const std::string& value) {
  return fmt::format(R"("{}":{{"s":"{}"}})", name, base64(value));
}
inline std::string texts_attribute(const std::string& name,
                                   const std::vector<std::string>& values) {
  std::vector<std::string> encoded;
  for (const std::string& value : values) encoded.push_back(base64(value));
  return fmt::format(R"("{}":{{"list":{{"s":["{}"]}}}})", name, fmt::join(encoded, "\",\""));
}

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
