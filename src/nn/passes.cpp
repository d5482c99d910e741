#include "nn/passes.h"

#include <algorithm>
#include <cmath>

#include "nn/facts.h"
#include "nn/quantized_fusion.h"

namespace faceforge::nn {
namespace {

class Simplifier {
 public:
  Simplifier(Graph& graph, const LoadLimits& limits, ByteBudget& budget)
      : graph_(graph), limits_(limits), budget_(budget) {}

  Result<void> run() {
    TRY(compute_constants());
    drop_identities();
    TRY(fuse_quantized(graph_, limits_, budget_));
    count_uses();
    for (Node& node : graph_.nodes) TRY(normalize_gemm(node));
    TRY(fold_scales());
    drop_unused();
    return {};
  }

 private:
  Value& value(ValueIndex index) { return graph_.values[static_cast<size_t>(index)]; }

  Result<void> compute_constants() {
    std::vector<Node> kept;
    for (Node& node : graph_.nodes) {
      std::vector<Fact> operands;
      bool is_known = true;
      for (const ValueIndex input : node.inputs) {
        const ConstantPtr constant = input == kNoValue ? nullptr : value(input).constant;
        is_known = is_known && (input == kNoValue || constant != nullptr);
        operands.push_back(constant ? Fact{constant->shape, constant} : Fact{});
      }
      // Signed bytes are not widened while they may still be the weights of an operator on bytes.
      is_known = is_known && !(std::holds_alternative<Dequantize>(node.operation) &&
                               operands[0].constant->kind == ElementKind::Signed8);
      if (is_known) {
        const auto results = TRY(follow(node, operands, limits_.elements_per_tensor, budget_));
        for (size_t index = 0; index < results.size(); ++index) {
          value(node.outputs[index]).constant = results[index].constant;
          is_known = is_known && results[index].constant != nullptr;
        }
      }
      if (!is_known) kept.push_back(std::move(node));
    }
    graph_.nodes = std::move(kept);
    return {};
  }

  void drop_identities() {
    std::vector<ValueIndex> stands_for(graph_.values.size());
    for (size_t index = 0; index < stands_for.size(); ++index) {
      stands_for[index] = static_cast<ValueIndex>(index);
    }
    for (Node& node : graph_.nodes) {
      for (ValueIndex& input : node.inputs) {
        if (input != kNoValue) input = stands_for[static_cast<size_t>(input)];
      }
      if (std::holds_alternative<Identity>(node.operation)) {
        stands_for[static_cast<size_t>(node.outputs[0])] = node.inputs[0];
      }
    }
    for (ValueIndex& output : graph_.output_values) {
      output = stands_for[static_cast<size_t>(output)];
    }
  }

  void count_uses() {
    use_count_.assign(graph_.values.size(), 0);
    for (const Node& node : graph_.nodes) {
      for (const ValueIndex input : node.inputs) {
        if (input != kNoValue) ++use_count_[static_cast<size_t>(input)];
      }
    }
    for (const ValueIndex output : graph_.output_values) ++use_count_[static_cast<size_t>(output)];
  }

  /// Gives a node another constant operand, whose bytes are taken from the budget already, and
  /// frees the one before when nothing else uses it.
  void replace_operand(Node& node, size_t position, Shape shape, std::vector<float> numbers) {
    const ValueIndex before = node.has_input(position) ? node.inputs[position] : kNoValue;
    if (before != kNoValue && --use_count_[static_cast<size_t>(before)] == 0) {
      budget_.give_back(value(before).constant->floats.size() * sizeof(float));
      value(before).constant = nullptr;
    }
    auto constant = std::make_shared<Constant>(
        Constant{.shape = std::move(shape), .floats = std::move(numbers)});
    node.inputs[position] = static_cast<ValueIndex>(graph_.values.size());
    graph_.values.push_back({node.name, std::move(constant)});
    use_count_.push_back(1);
  }

  ConstantPtr float_constant(const Node& node, size_t position) {
    if (!node.has_input(position)) return nullptr;
    const ConstantPtr& constant = value(node.inputs[position]).constant;
    return constant && constant->kind == ElementKind::Float ? constant : nullptr;
  }

  /// Takes alpha and beta into the weights and makes the bias one number a column.
  Result<void> normalize_gemm(Node& node) {
    auto* gemm = std::get_if<Gemm>(&node.operation);
    const ConstantPtr weights = float_constant(node, 1);
    if (gemm == nullptr || !weights || weights->shape.size() != 2) return {};
    const auto columns = weights->shape[gemm->transpose_b ? 0 : 1];
    if (node.has_input(2)) {
      const ConstantPtr bias = float_constant(node, 2);
      if (!bias || bias->shape.size() > 2) return {};
      const auto numbers = numbers_by_channel(*bias, 2, columns, columns, 0);
      if (!numbers) return {};
      std::vector<float> scaled = *numbers;
      for (float& number : scaled) number *= gemm->beta;
      TRY(budget_.take(scaled.size() * sizeof(float)));
      replace_operand(node, 2, {columns}, std::move(scaled));
      gemm->beta = 1;
    }
    if (gemm->alpha != 1) {
      TRY(budget_.take(weights->floats.size() * sizeof(float)));
      std::vector<float> scaled = weights->floats;
      for (float& number : scaled) number *= gemm->alpha;
      replace_operand(node, 1, weights->shape, std::move(scaled));
      gemm->alpha = 1;
    }
    return {};
  }

  struct ScaleAndShift {
    std::vector<double> scale, shift;
  };

  /// What a node does to its first operand, when that is one factor and one summand a channel.
  std::optional<ScaleAndShift> scale_and_shift(const Node& node, ValueIndex from, size_t rank,
                                               int64_t channels) {
    const auto count = static_cast<size_t>(channels);
    ScaleAndShift found{std::vector<double>(count, 1), std::vector<double>(count, 0)};
    if (const auto* norm = std::get_if<BatchNorm>(&node.operation)) {
      ConstantPtr parts[4];
      for (size_t position = 1; position < 5; ++position) {
        parts[position - 1] = float_constant(node, position);
        if (!parts[position - 1] || parts[position - 1]->shape != Shape{channels}) return {};
      }
      for (size_t channel = 0; channel < count; ++channel) {
        const double factor =
            parts[0]->floats[channel] / std::sqrt(static_cast<double>(parts[3]->floats[channel]) +
                                                  static_cast<double>(norm->epsilon));
        found.scale[channel] = factor;
        found.shift[channel] = parts[1]->floats[channel] - factor * parts[2]->floats[channel];
      }
      return found;
    }
    const auto* binary = std::get_if<Binary>(&node.operation);
    if (binary == nullptr) return {};
    const size_t other = node.inputs[0] == from ? 1 : 0;
    const ConstantPtr constant = float_constant(node, other);
    if (!constant || constant->shape.size() > rank) return {};
    const auto numbers = numbers_by_channel(*constant, rank, channels, channels, 0);
    if (!numbers) return {};
    for (size_t channel = 0; channel < count; ++channel) {
      const double number = (*numbers)[channel];
      switch (binary->kind) {
        case BinaryKind::Add:
          found.shift[channel] = number;
          break;
        case BinaryKind::Multiply:
          found.scale[channel] = number;
          break;
        case BinaryKind::Subtract:
          found.shift[channel] = other == 1 ? -number : number;
          found.scale[channel] = other == 1 ? 1 : -1;
          break;
        case BinaryKind::Divide:
          if (other == 0 || number == 0) return {};
          found.scale[channel] = 1 / number;
          break;
        default:
          return {};
      }
    }
    return found;
  }

  /// The number of channels that a node's weights make, when it is a convolution or a matrix of
  /// constant weights and bias; 0 otherwise.
  int64_t channels_made(const Node& node) {
    const ConstantPtr weights = float_constant(node, 1);
    if (!weights || (node.has_input(2) && !float_constant(node, 2))) return 0;
    int64_t channels = 0;
    if (std::holds_alternative<Conv>(node.operation) && weights->shape.size() >= 3) {
      channels = weights->shape[0];
    }
    if (const auto* gemm = std::get_if<Gemm>(&node.operation)) {
      if (weights->shape.size() != 2 || gemm->alpha != 1 || gemm->beta != 1) return 0;
      channels = weights->shape[gemm->transpose_b ? 0 : 1];
    }
    if (node.has_input(2) && float_constant(node, 2)->shape != Shape{channels}) return 0;
    return channels;
  }

  Result<void> apply(Node& node, const ScaleAndShift& change, int64_t channels) {
    const ConstantPtr weights = float_constant(node, 1);
    const auto count = static_cast<size_t>(channels);
    const auto* gemm = std::get_if<Gemm>(&node.operation);
    const bool channel_is_last = gemm != nullptr && !gemm->transpose_b;
    const size_t a_channel = weights->floats.size() / count;
    TRY(budget_.take((weights->floats.size() + count) * sizeof(float)));
    std::vector<float> scaled(weights->floats.size());
    for (size_t index = 0; index < scaled.size(); ++index) {
      const size_t channel = channel_is_last ? index % count : index / a_channel;
      scaled[index] = static_cast<float>(weights->floats[index] * change.scale[channel]);
    }
    std::vector<float> bias(count);
    const ConstantPtr old_bias = float_constant(node, 2);
    for (size_t channel = 0; channel < count; ++channel) {
      const double before = old_bias ? old_bias->floats[channel] : 0;
      bias[channel] = static_cast<float>(before * change.scale[channel] + change.shift[channel]);
      if (!std::isfinite(change.scale[channel]) || !std::isfinite(bias[channel])) {
        return fail(ErrorCode::Corrupt, "weight_not_finite",
                    "node {}: its scale is no number once folded", to_string(node));
      }
    }
    node.inputs.resize(3, kNoValue);
    replace_operand(node, 1, weights->shape, std::move(scaled));
    replace_operand(node, 2, {channels}, std::move(bias));
    return {};
  }

  Result<void> fold_scales() {
    std::vector<size_t> maker(graph_.values.size(), graph_.nodes.size());
    std::vector<bool> is_gone(graph_.nodes.size(), false);
    for (size_t index = 0; index < graph_.nodes.size(); ++index) {
      Node& node = graph_.nodes[index];
      for (const ValueIndex input : node.inputs) {
        if (input == kNoValue || static_cast<size_t>(input) >= maker.size()) continue;
        const size_t before = maker[static_cast<size_t>(input)];
        if (before == graph_.nodes.size() || use_count_[static_cast<size_t>(input)] != 1) continue;
        Node& source = graph_.nodes[before];
        const int64_t channels = channels_made(source);
        if (channels == 0 ||
            (std::holds_alternative<BatchNorm>(node.operation) && input != node.inputs[0])) {
          continue;
        }
        const size_t rank = value(source.inputs[1]).constant->shape.size();
        const auto change = scale_and_shift(node, input, rank, channels);
        if (!change) continue;
        TRY(apply(source, *change, channels));
        source.outputs = node.outputs;
        is_gone[index] = true;
        maker[static_cast<size_t>(source.outputs[0])] = before;
        break;
      }
      if (!is_gone[index]) {
        for (const ValueIndex output : node.outputs) maker[static_cast<size_t>(output)] = index;
      }
    }
    size_t index = 0;
    std::erase_if(graph_.nodes, [&](const Node&) { return is_gone[index++]; });
    return {};
  }

  void drop_unused() {
    std::vector<bool> is_needed(graph_.values.size(), false);
    for (const ValueIndex output : graph_.output_values) {
      is_needed[static_cast<size_t>(output)] = true;
    }
    std::vector<Node> kept;
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      const bool used = std::ranges::any_of(
          node->outputs, [&](ValueIndex output) { return is_needed[static_cast<size_t>(output)]; });
      if (!used) continue;
      for (const ValueIndex input : node->inputs) {
        if (input != kNoValue) is_needed[static_cast<size_t>(input)] = true;
      }
      kept.push_back(std::move(*node));
    }
    std::ranges::reverse(kept);
    graph_.nodes = std::move(kept);
    for (size_t index = 0; index < graph_.values.size(); ++index) {
      if (!is_needed[index]) graph_.values[index].constant = nullptr;
    }
  }

  Graph& graph_;
  const LoadLimits& limits_;
  ByteBudget& budget_;
  std::vector<size_t> use_count_;  ///< of each value, by nodes and as an output
};

}  // namespace

Result<void> simplify(Graph& graph, const LoadLimits& limits, ByteBudget& budget) {
  return Simplifier(graph, limits, budget).run();
}

}  // namespace faceforge::nn
