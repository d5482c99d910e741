#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"

namespace faceforge::nn {

/// Integers with a shape, for the operands that ONNX wants as 64-bit integers (Reshape's shape,
/// Slice's starts, ...).
struct IntegerTensor {
  std::vector<int64_t> shape;
  std::vector<int64_t> values;
};

/// Quantized weights: signed 8-bit integers with a shape.
struct ByteTensor {
  std::vector<int64_t> shape;
  std::vector<int8_t> values;
};

/// A zero point of unsigned 8-bit integers.
struct UnsignedByte {
  uint8_t value = 0;
};

using AttributeValue = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                                    std::vector<float>, Tensor, IntegerTensor>;

/// One operator of a graph to be written.
struct NodeSpec {
  std::string op_type;               ///< ONNX operator of domain `ai.onnx`: `Conv`, `Relu`, ...
  std::vector<std::string> inputs;   ///< names of tensors; "" for an optional one left out
  std::vector<std::string> outputs;  ///< names of tensors; each is made once in a graph
  std::map<std::string, AttributeValue> attributes = {};
  std::string name = {};  ///< for error messages; the first output's name when left empty
};

/// Writes ONNX models. Names are given by the caller; nodes come in the order in which they run.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string graph_name, int64_t opset = 13);
  ~GraphBuilder();
  GraphBuilder(GraphBuilder&&) noexcept;
  GraphBuilder& operator=(GraphBuilder&&) noexcept;

  /// Adds an input or an output of 32-bit floats; -1 is a dimension left open.
  GraphBuilder& add_input(const PortInfo& port);
  GraphBuilder& add_output(const PortInfo& port);

  /// Adds a constant that nodes may name as an input.
  GraphBuilder& add_initializer(const std::string& name, const Tensor& tensor);
  GraphBuilder& add_initializer(const std::string& name, const IntegerTensor& tensor);
  GraphBuilder& add_initializer(const std::string& name, const ByteTensor& tensor);
  GraphBuilder& add_initializer(const std::string& name, UnsignedByte number);

  GraphBuilder& add_node(const NodeSpec& node);

  /// The model's bytes, as they go into a `.onnx` file. The same calls give the same bytes.
  ///
  /// fails: invalid_input/tensor_shape when a tensor's values are not as many as its shape says;
  ///        too_large/model_file_too_large above 2 GB, the format's own limit
  [[nodiscard]] Result<std::vector<std::byte>> serialize() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace faceforge::nn
