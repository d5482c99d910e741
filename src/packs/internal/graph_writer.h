#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/shape.h"
#include "nn/tensor.h"
#include "nn/writer.h"

namespace faceforge::packs {

/// The first dimension of whatever depends on the input: one row a picture, open in the ONNX file.
inline constexpr int64_t kBatch = -1;

/// The same number among the integers of a `Shape`. No size that a file may hold.
inline constexpr int64_t kBatchSize = INT64_MIN;

/// How a tensor that TensorFlow has as [batch, row, column, channel] lies in the ONNX graph.
enum class Layout {
  Plain,    ///< as TensorFlow has it
  Picture,  ///< of rank 4, as [batch, channel, row, column]
};

/// Where an axis of TensorFlow's stands in a picture.
[[nodiscard]] inline int64_t picture_axis(size_t axis) {
  constexpr int64_t kAxes[] = {0, 2, 3, 1};
  return kAxes[axis];
}

/// A tensor of a TensorFlow graph on its way into an ONNX graph: a named one that depends on the
/// input, or numbers that are known.
struct GraphValue {
  std::string name = {};
  nn::Shape shape = {};  ///< as TensorFlow has it, whatever the layout
  Layout layout = Layout::Plain;
  std::shared_ptr<const nn::Tensor> floats = nullptr;
  std::shared_ptr<const nn::IntegerTensor> integers = nullptr;

  [[nodiscard]] bool is_known() const { return floats != nullptr || integers != nullptr; }
  [[nodiscard]] size_t rank() const { return shape.size(); }
};

/// Transposes a known tensor [1, row, column, channel] to [1, channel, row, column].
[[nodiscard]] nn::Tensor channels_first(const nn::Tensor& tensor);

/// An ONNX graph in the making. What no output needs is left out of the file.
class GraphWriter {
 public:
  explicit GraphWriter(std::string name) : name_(std::move(name)) {}

  /// Keeps a name from being given to anything else.
  void reserve(const std::string& name) { names_.insert(name); }

  /// Adds an input [batch, ...]. in: `shape` as TensorFlow has it; of rank 4 it becomes a picture
  GraphValue input(const std::string& name, const nn::Shape& shape);

  /// Adds an operator and returns its outputs' names: `wanted`, or that with a number behind it.
  std::vector<std::string> node(const std::string& op_type, std::vector<std::string> inputs,
                                const std::string& wanted,
                                std::map<std::string, nn::AttributeValue> attributes,
                                size_t output_count);
  std::string node(const std::string& op_type, std::vector<std::string> inputs,
                   const std::string& wanted,
                   std::map<std::string, nn::AttributeValue> attributes = {});

  std::string constant(nn::Tensor tensor, const std::string& wanted);
  std::string constant(std::vector<int64_t> numbers, const std::string& wanted);
  std::string scalar(float value, const std::string& wanted);

  /// Puts a value that depends on the input into a layout. in: of rank 4 for a picture
  GraphValue in_layout(const GraphValue& value, Layout layout);

  /// The node that makes a tensor, and the numbers of a constant; null for any other.
  [[nodiscard]] const nn::NodeSpec* maker(const std::string& name) const;
  [[nodiscard]] const nn::Tensor* numbers(const std::string& name) const;

  /// Adds an output. in: a value that depends on the input
  void output(const GraphValue& value, const std::string& name);

  /// out:   the model's bytes
  /// fails: as nn::GraphBuilder::serialize
  [[nodiscard]] Result<std::vector<std::byte>> serialize() const;

 private:
  std::string fresh(const std::string& wanted);

  std::string name_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, size_t, std::less<>> last_number_;  ///< behind names wanted before
  std::vector<nn::PortInfo> inputs_;
  std::vector<nn::PortInfo> outputs_;
  std::vector<nn::NodeSpec> nodes_;
  std::map<std::string, size_t, std::less<>> maker_;
  std::map<std::string, nn::Tensor, std::less<>> floats_;
  std::map<std::string, nn::IntegerTensor, std::less<>> integers_;
};

}  // namespace faceforge::packs
