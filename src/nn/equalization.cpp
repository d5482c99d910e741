#include "nn/equalization.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace faceforge::nn {
namespace {

/// A channel is not stretched further: those that examples left at rest might wake.
constexpr float kLongestStretch = 64;

const Constant* float_weights(const Graph& graph, const Node& node) {
  if (!std::holds_alternative<Conv>(node.operation) || !node.has_input(1)) return nullptr;
  const ConstantPtr& weights = graph.values[static_cast<size_t>(node.inputs[1])].constant;
  return weights && weights->kind == ElementKind::Float && weights->shape.size() == 4
             ? weights.get()
             : nullptr;
}

bool is_depthwise(const Node& node, const Constant& weights) {
  return weights.shape[1] == 1 && std::get<Conv>(node.operation).group_count == weights.shape[0];
}

/// Whether f(s x) = s f(x) for a number s > 0 of each channel.
bool keeps_positive_factors(const Operation& operation) {
  if (const auto* unary = std::get_if<Unary>(&operation)) {
    return unary->kind == UnaryKind::Relu || unary->kind == UnaryKind::LeakyRelu;
  }
  if (const auto* binary = std::get_if<Binary>(&operation)) {
    return binary->kind == BinaryKind::PRelu;
  }
  return std::holds_alternative<Pool>(operation);
}

class Equalizer {
 public:
  explicit Equalizer(Graph& graph) : graph_(graph), makers_(graph.values.size(), nullptr) {
    readers_.resize(graph.values.size());
    for (Node& node : graph.nodes) {
      for (const ValueIndex output : node.outputs) {
        if (output != kNoValue) makers_[static_cast<size_t>(output)] = &node;
      }
      for (const ValueIndex input : node.inputs) {
        if (input != kNoValue) readers_[static_cast<size_t>(input)].push_back(&node);
      }
    }
    // Whoever asks for an output reads it too, and knows of no factor.
    for (const ValueIndex output : graph.output_values) {
      readers_[static_cast<size_t>(output)].push_back(nullptr);
    }
  }

  bool equalize(ValueIndex source, std::span<const float> reach) {
    Node* maker = maker_of(source, reach.size());
    if (maker == nullptr || !are_convolutions(source, reach.size())) return false;
    const auto factors = factors_for(source, reach);
    if (!factors) return false;
    scale_outputs(*maker, *factors);
    for (Node* reader : readers_[static_cast<size_t>(source)]) divide_inputs(*reader, *factors);
    return true;
  }

 private:
  /// The convolution whose channels come to a value with their factors, and to nothing else.
  Node* maker_of(ValueIndex source, size_t channels) const {
    for (ValueIndex at = source;;) {
      Node* maker = makers_[static_cast<size_t>(at)];
      if (maker == nullptr) return nullptr;
      if (const Constant* weights = float_weights(graph_, *maker)) {
        return std::cmp_equal(weights->shape[0], channels) && has_plain_bias(*maker, channels)
                   ? maker
                   : nullptr;
      }
      if (!keeps_positive_factors(maker->operation) || maker->outputs.size() != 1) return nullptr;
      at = maker->inputs[0];
      if (readers_[static_cast<size_t>(at)].size() != 1) return nullptr;
    }
  }

  bool has_plain_bias(const Node& node, size_t channels) const {
    if (!node.has_input(2)) return true;
    const ConstantPtr& bias = graph_.values[static_cast<size_t>(node.inputs[2])].constant;
    return bias && bias->kind == ElementKind::Float && bias->floats.size() == channels;
  }

  bool are_convolutions(ValueIndex source, size_t channels) const {
    return std::ranges::all_of(readers_[static_cast<size_t>(source)], [&](const Node* reader) {
      const Constant* weights = reader == nullptr ? nullptr : float_weights(graph_, *reader);
      if (weights == nullptr || std::ranges::count(reader->inputs, source) != 1) return false;
      const auto groups = std::get<Conv>(reader->operation).group_count;
      return is_depthwise(*reader, *weights)
                 ? std::cmp_equal(weights->shape[0], channels)
                 : groups == 1 && std::cmp_equal(weights->shape[1], channels);
    });
  }

  std::optional<std::vector<float>> factors_for(ValueIndex source,
                                                std::span<const float> reach) const {
    const float farthest = std::ranges::max(reach);
    if (!(farthest > 0)) return std::nullopt;
    // The greatest weight of a channel, in shares of the greatest of each output.
    std::vector<float> weight(reach.size(), 0);
    bool is_dense = false;
    for (const Node* reader : readers_[static_cast<size_t>(source)]) {
      const Constant& weights = *float_weights(graph_, *reader);
      if (is_depthwise(*reader, weights)) continue;
      is_dense = true;
      const auto taps = static_cast<size_t>(weights.shape[2] * weights.shape[3]);
      const size_t row_size = reach.size() * taps;
      for (size_t row = 0; row < weights.floats.size(); row += row_size) {
        const std::span values = std::span(weights.floats).subspan(row, row_size);
        const auto magnitude = [](float number) { return std::abs(number); };
        const float greatest = std::abs(std::ranges::max(values, {}, magnitude));
        if (!(greatest > 0)) continue;
        for (size_t index = 0; index < row_size; ++index) {
          weight[index / taps] = std::max(weight[index / taps], std::abs(values[index]) / greatest);
        }
      }
    }
    std::vector<float> factors;
    for (size_t channel = 0; channel < reach.size(); ++channel) {
      const float stretch = std::min(farthest / std::max(reach[channel], 1e-20F), kLongestStretch);
      factors.push_back(is_dense ? std::sqrt(stretch * weight[channel]) : stretch);
      if (!(factors.back() > 1 / kLongestStretch)) factors.back() = 1 / kLongestStretch;
    }
    return factors;
  }

  /// A constant of its own for a node, since others may read the one it had.
  Constant& own_constant(Node& node, size_t position) {
    const Value& value = graph_.values[static_cast<size_t>(node.inputs[position])];
    auto constant = std::make_shared<Constant>(*value.constant);
    Constant& result = *constant;
    Value own{.name = value.name, .constant = std::move(constant)};
    if (readers_[static_cast<size_t>(node.inputs[position])].size() == 1) {
      graph_.values[static_cast<size_t>(node.inputs[position])] = std::move(own);
    } else {
      own.name += "_equalized";
      node.inputs[position] = static_cast<ValueIndex>(graph_.values.size());
      graph_.values.push_back(std::move(own));
      makers_.push_back(nullptr);
      readers_.push_back({&node});
    }
    return result;
  }

  void scale_outputs(Node& node, std::span<const float> factors) {
    Constant& weights = own_constant(node, 1);
    const size_t row_size = weights.floats.size() / factors.size();
    for (size_t index = 0; index < weights.floats.size(); ++index) {
      weights.floats[index] *= factors[index / row_size];
    }
    if (!node.has_input(2)) return;
    Constant& bias = own_constant(node, 2);
    for (size_t index = 0; index < factors.size(); ++index) bias.floats[index] *= factors[index];
  }

  void divide_inputs(Node& node, std::span<const float> factors) {
    const auto taps = static_cast<size_t>(float_weights(graph_, node)->shape[2] *
                                          float_weights(graph_, node)->shape[3]);
    Constant& weights = own_constant(node, 1);
    for (size_t index = 0; index < weights.floats.size(); ++index) {
      weights.floats[index] /= factors[index / taps % factors.size()];
    }
  }

  Graph& graph_;
  std::vector<Node*> makers_;
  std::vector<std::vector<Node*>> readers_;
};

}  // namespace

size_t equalize_channels(Graph& graph, const ChannelReaches& reaches) {
  Equalizer equalizer(graph);
  size_t count = 0;
  for (const auto& [source, reach] : reaches) count += equalizer.equalize(source, reach) ? 1 : 0;
  return count;
}

}  // namespace faceforge::nn
