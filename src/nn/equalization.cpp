#include "nn/equalization.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <utility>

namespace faceforge::nn {
namespace {

/// A channel is not stretched further: one that hardly moved may move more on other examples, and
/// would then take the room of all.
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
    if (reach.empty() || maker == nullptr || !are_convolutions(source, reach.size())) return false;
    const auto factors = factors_for(source, reach);
    if (!factors) return false;
    std::vector<std::pair<ValueIndex, Constant>> changed = scaled_outputs(*maker, *factors);
    for (const Node* reader : readers_[static_cast<size_t>(source)]) {
      changed.emplace_back(reader->inputs[1], divided_inputs(*reader, *factors));
    }
    const bool are_finite = std::ranges::all_of(changed, [](const auto& one) {
      return std::ranges::all_of(one.second.floats,
                                 [](float number) { return std::isfinite(number); });
    });
    if (!are_finite) return false;
    for (auto& [index, constant] : changed) {
      graph_.values[static_cast<size_t>(index)].constant =
          std::make_shared<const Constant>(std::move(constant));
    }
    return true;
  }

 private:
  /// The convolution whose channels come to a value with their factors, and to nothing else.
  Node* maker_of(ValueIndex source, size_t channels) const {
    for (ValueIndex at = source;;) {
      Node* maker = makers_[static_cast<size_t>(at)];
      if (maker == nullptr) return nullptr;
      if (const Constant* weights = float_weights(graph_, *maker)) {
        return std::cmp_equal(weights->shape[0], channels) && has_plain_bias(*maker, channels) &&
                       owns_constants(*maker)
                   ? maker
                   : nullptr;
      }
      if (!keeps_positive_factors(maker->operation) || maker->outputs.size() != 1) return nullptr;
      at = maker->inputs[0];
      if (readers_[static_cast<size_t>(at)].size() != 1) return nullptr;
    }
  }

  /// Whether nobody else reads a node's weights and bias.
  bool owns_constants(const Node& node) const {
    return std::ranges::all_of(node.inputs | std::views::drop(1), [&](ValueIndex input) {
      return input == kNoValue || readers_[static_cast<size_t>(input)].size() == 1;
    });
  }

  bool has_plain_bias(const Node& node, size_t channels) const {
    if (!node.has_input(2)) return true;
    const ConstantPtr& bias = graph_.values[static_cast<size_t>(node.inputs[2])].constant;
    return bias && bias->kind == ElementKind::Float && bias->floats.size() == channels;
  }

  bool are_convolutions(ValueIndex source, size_t channels) const {
    return std::ranges::all_of(readers_[static_cast<size_t>(source)], [&](const Node* reader) {
      const Constant* weights = reader == nullptr ? nullptr : float_weights(graph_, *reader);
      if (weights == nullptr || !owns_constants(*reader)) return false;
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
      // Of a channel at rest nothing is known.
      const float stretch =
          reach[channel] > 0 ? std::min(farthest / reach[channel], kLongestStretch) : 1;
      factors.push_back(is_dense ? std::sqrt(stretch * weight[channel]) : stretch);
      if (!(factors.back() > 1 / kLongestStretch)) factors.back() = 1 / kLongestStretch;
    }
    return factors;
  }

  /// A maker's weights and its bias, each with its place.
  std::vector<std::pair<ValueIndex, Constant>> scaled_outputs(
      const Node& node, std::span<const float> factors) const {
    std::vector<std::pair<ValueIndex, Constant>> changed;
    for (size_t position = 1; position < node.inputs.size(); ++position) {
      if (!node.has_input(position)) continue;
      const ValueIndex index = node.inputs[position];
      Constant constant = *graph_.values[static_cast<size_t>(index)].constant;
      const size_t row_size = constant.floats.size() / factors.size();
      for (size_t at = 0; at < constant.floats.size(); ++at) {
        constant.floats[at] *= factors[at / row_size];
      }
      changed.emplace_back(index, std::move(constant));
    }
    return changed;
  }

  Constant divided_inputs(const Node& node, std::span<const float> factors) const {
    Constant weights = *float_weights(graph_, node);
    const auto taps = static_cast<size_t>(weights.shape[2] * weights.shape[3]);
    for (size_t index = 0; index < weights.floats.size(); ++index) {
      weights.floats[index] /= factors[index / taps % factors.size()];
    }
    return weights;
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
