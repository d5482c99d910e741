#include "packs/internal/graph_operators.h"

#include <algorithm>

namespace faceforge::packs {
namespace {

constexpr int64_t kElementLimit = int64_t{1} << 28;  // what nn::LoadLimits allows a tensor

}  // namespace

Result<GraphValue> OperatorCall::moving(size_t position) const {
  if (position >= inputs.size()) return malformed("it lacks input {}", position);
  if (inputs[position].is_known()) {
    return unsupported("its input {} does not depend on the network's", position);
  }
  return inputs[position];
}

Result<nn::Tensor> OperatorCall::floats(size_t position) const {
  if (position >= inputs.size()) return malformed("it lacks input {}", position);
  if (!inputs[position].floats) return unsupported("its input {} is no constant", position);
  return *inputs[position].floats;
}

Result<std::vector<int64_t>> OperatorCall::integers(size_t position) const {
  if (position >= inputs.size()) return malformed("it lacks input {}", position);
  if (!inputs[position].integers || inputs[position].rank() > 1) {
    return unsupported("its input {} is no constant list of integers", position);
  }
  return inputs[position].integers->values;
}

Result<int64_t> OperatorCall::integer(size_t position) const {
  const auto numbers = TRY(integers(position));
  if (numbers.size() != 1) return malformed("its input {} is no single integer", position);
  return numbers.front();
}

Result<std::string> OperatorCall::beside(const GraphValue& value, const GraphValue& known) const {
  if (!known.floats) return unsupported("it mixes integers with floats");
  if (known.rank() > value.rank()) {
    return unsupported("a constant of {} dimensions beside {}", known.rank(), value.rank());
  }
  nn::Tensor tensor = *known.floats;
  if (tensor.shape.size() == value.rank() && tensor.shape.front() != 1) {
    return unsupported("it has a constant for each picture of a batch");
  }
  if (value.layout == Layout::Picture && !tensor.shape.empty()) {
    tensor.shape.insert(tensor.shape.begin(), 4 - tensor.shape.size(), 1);
    tensor = channels_first(tensor);
  }
  // [C, 1, 1] rather than [1, C, 1, 1], as exporters write slopes and biases of channels.
  const auto first = std::ranges::find_if(tensor.shape, [](int64_t length) { return length != 1; });
  tensor.shape.erase(tensor.shape.begin(), first);
  return writer.constant(std::move(tensor), node.name + "/operand");
}

Converted one_result(const OperatorCall& call, std::string name, nn::Shape shape, Layout layout) {
  int64_t count = 1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t length = axis == 0 && shape[0] == kBatch ? 1 : shape[axis];
    if (length < 1) return call.malformed("its result has a dimension of {}", length);
    if (length > kElementLimit / count) {
      return fail(ErrorCode::TooLarge, "graph_tensor_too_large",
                  "operator {} of node {}: its result is larger than {} elements", call.node.op,
                  call.node.name, kElementLimit);
    }
    count *= length;
  }
  std::vector<GraphValue> results;
  results.push_back({.name = std::move(name), .shape = std::move(shape), .layout = layout});
  return results;
}

Result<size_t> checked_axis(const OperatorCall& call, int64_t axis, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  if (axis < -count || axis >= count) {
    return call.malformed("axis {} of a tensor of {} dimensions", axis, rank);
  }
  return static_cast<size_t>(axis < 0 ? axis + count : axis);
}

}  // namespace faceforge::packs
