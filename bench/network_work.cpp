#include "network_work.h"

#include <variant>

#include "base/file.h"
#include "nn/byte_budget.h"
#include "nn/facts.h"
#include "nn/onnx_import.h"

namespace faceforge::bench {
namespace {

/// Products behind one number of the result.
int64_t products_each(const nn::Node& node, const nn::Fact& left, const nn::Fact& right) {
  if (std::holds_alternative<nn::Conv>(node.operation)) {
    return nn::element_count(right.shape) / right.shape.at(0);
  }
  if (const auto* gemm = std::get_if<nn::Gemm>(&node.operation)) {
    return left.shape.at(gemm->transpose_a ? 0 : 1);
  }
  return std::holds_alternative<nn::MatMul>(node.operation) ? left.shape.back() : 0;
}

}  // namespace

Result<int64_t> multiply_adds(const std::filesystem::path& file,
                              std::span<const int64_t> input_shape) {
  const nn::LoadLimits limits;
  nn::ByteBudget budget(limits.weight_bytes);
  const auto bytes = TRY(read_file(file, limits.file_bytes));
  const nn::Graph graph = TRY(nn::import_onnx(bytes, limits, budget));
  if (graph.inputs.size() != 1) {
    return fail(ErrorCode::InvalidInput, "input_count", "the network has {} inputs, not 1",
                graph.inputs.size());
  }
  const nn::Shape shapes[] = {nn::Shape(input_shape.begin(), input_shape.end())};
  const auto facts = TRY(nn::infer(graph, shapes, limits));
  int64_t sum = 0;
  for (const nn::Node& node : graph.nodes) {
    if (!node.has_input(1)) continue;
    const nn::Fact& left = facts[static_cast<size_t>(node.inputs[0])];
    const nn::Fact& right = facts[static_cast<size_t>(node.inputs[1])];
    const nn::Fact& result = facts[static_cast<size_t>(node.outputs[0])];
    sum += products_each(node, left, right) * nn::element_count(result.shape);
  }
  return sum;
}

}  // namespace faceforge::bench
