#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/result.h"
#include "packs/graph_model.h"
#include "packs/internal/graph_writer.h"

namespace faceforge::packs {

/// One operator about to be written as ONNX.
struct OperatorCall {
  const GraphNode& node;
  std::vector<GraphValue> inputs;
  GraphWriter& writer;
  bool is_for_one_picture = false;  ///< the graph's input has a batch of 1, which is opened

  /// fails: unsupported/graph_operator_unsupported naming operator and node, always
  template <typename... Args>
  [[nodiscard]] Unexpected unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::Unsupported, "graph_operator_unsupported", "operator {} of node {}: {}",
                node.op, node.name, fmt::format(format, std::forward<Args>(args)...));
  }
  /// fails: invalid_input/graph_model_malformed naming operator and node, always
  template <typename... Args>
  [[nodiscard]] Unexpected malformed(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::InvalidInput, "graph_model_malformed", "operator {} of node {}: {}",
                node.op, node.name, fmt::format(format, std::forward<Args>(args)...));
  }

  /// An operand that depends on the input, or one whose numbers are known.
  ///
  /// fails: graph_operator_unsupported when it is of the other kind
  [[nodiscard]] Result<GraphValue> moving(size_t position) const;
  [[nodiscard]] Result<nn::Tensor> floats(size_t position) const;
  [[nodiscard]] Result<std::vector<int64_t>> integers(size_t position) const;
  [[nodiscard]] Result<int64_t> integer(size_t position) const;

  /// A known operand of an elementwise operator as a constant that broadcasts against a value.
  /// fails: graph_operator_unsupported when it has more dimensions, or one for each picture
  [[nodiscard]] Result<std::string> beside(const GraphValue& value, const GraphValue& known) const;
};

/// The operator's outputs.
using Converted = Result<std::vector<GraphValue>>;
using ConvertOperator = Converted (*)(OperatorCall& call);
using OperatorTable = std::map<std::string_view, ConvertOperator>;

/// Convolutions, pooling, matrices, batch norms, resizing.
[[nodiscard]] const OperatorTable& layer_operators();
/// What looks at each number alone, softmax and means.
[[nodiscard]] const OperatorTable& elementwise_operators();
/// What moves numbers, and sizes computed from shapes.
[[nodiscard]] const OperatorTable& movement_operators();

/// A result of the operator: `name` of `shape`.
///
/// fails: too_large/graph_tensor_too_large above 2^28 elements a picture; graph_model_malformed
///        when a dimension but the batch is not positive
[[nodiscard]] Converted one_result(const OperatorCall& call, std::string name, nn::Shape shape,
                                   Layout layout);

/// Applies a function of one number by TensorFlow's name. in: `slope` a Prelu's, else null
///
/// fails: graph_operator_unsupported for another function
[[nodiscard]] Result<std::string> activate(const OperatorCall& call, const std::string& function,
                                           const GraphValue& value, const GraphValue* slope);

/// Turns an axis that may count from the end into an index. fails: graph_model_malformed
[[nodiscard]] Result<size_t> checked_axis(const OperatorCall& call, int64_t axis, size_t rank);

}  // namespace faceforge::packs
