#include "nn/quantized_fusion.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <oneapi/dnnl/dnnl.hpp>

#include "nn/facts.h"

namespace faceforge::nn {

bool adds_bytes_exactly() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
    case dnnl::cpu_isa::avx2_vnni:
      return true;
    default:
      return false;
  }
}

namespace {

/// More products than this could overflow the 32 bits that they are added in.
constexpr int64_t kProductLimit = 65'000;

Unexpected bad_scale(const Node& node) {
  return fail(ErrorCode::Corrupt, "model_malformed",
              "node {}: its scale and zero point are not one finite positive number and one byte",
              to_string(node));
}

class Fusion {
 public:
  Fusion(Graph& graph, const LoadLimits& limits, ByteBudget& budget)
      : graph_(graph), limits_(limits), budget_(budget) {}

  Result<void> run() {
    maker_.assign(graph_.values.size(), kNone);
    for (size_t index = 0; index < graph_.nodes.size(); ++index) {
      for (const ValueIndex output : graph_.nodes[index].outputs) {
        maker_[static_cast<size_t>(output)] = index;
      }
    }
    if (adds_bytes_exactly()) {
      for (Node& node : graph_.nodes) TRY(fuse(node));
    }
    for (Node& node : graph_.nodes) TRY(make_plain(node));
    std::erase_if(graph_.nodes, [&](const Node& node) {
      return std::holds_alternative<Dequantize>(node.operation) &&
             graph_.values[static_cast<size_t>(node.outputs[0])].constant != nullptr;
    });
    return {};
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  /// The node of operation `Wanted` that makes an operand, if one does.
  template <typename Wanted>
  Node* maker_of(const Node& node, size_t position) {
    if (!node.has_input(position)) return nullptr;
    const auto value = static_cast<size_t>(node.inputs[position]);
    if (value >= maker_.size() || maker_[value] == kNone) return nullptr;
    Node& made_by = graph_.nodes[maker_[value]];
    return std::holds_alternative<Wanted>(made_by.operation) ? &made_by : nullptr;
  }

  ConstantPtr constant(const Node& node, size_t position) const {
    if (!node.has_input(position)) return nullptr;
    return graph_.values[static_cast<size_t>(node.inputs[position])].constant;
  }

  /// Scale and zero point of a node that has one of each, as of unsigned bytes.
  Result<Quantization> quantization_of(const Node& node) const {
    const ConstantPtr scale = constant(node, 1);
    if (!scale || scale->kind != ElementKind::Float || scale->floats.size() != 1 ||
        !std::isfinite(scale->floats[0]) || scale->floats[0] <= 0) {
      return bad_scale(node);
    }
    Quantization quantization{.scale = scale->floats[0]};
    if (!node.has_input(2)) return quantization;
    const ConstantPtr zero = constant(node, 2);
    if (zero && zero->kind == ElementKind::Signed8 && zero->bytes.size() == 1) {
      quantization.zero = zero->bytes[0] + 128;
      return quantization;
    }
    if (!zero || zero->kind != ElementKind::Integer || zero->integers.size() != 1 ||
        zero->integers[0] < 0 || zero->integers[0] > 255) {
      return bad_scale(node);
    }
    quantization.zero = static_cast<int32_t>(zero->integers[0]);
    return quantization;
  }

  struct Source {
    ValueIndex value;
    Quantization quantization;
  };

  /// What a pair of QuantizeLinear and DequantizeLinear before an operand does.
  Result<std::optional<Source>> quantized_source(const Node& node) {
    const Node* dequantize = maker_of<Dequantize>(node, 0);
    const Node* quantize = dequantize ? maker_of<Quantize>(*dequantize, 0) : nullptr;
    if (quantize == nullptr) return std::nullopt;
    const Quantization into = TRY(quantization_of(*quantize));
    const Quantization out_of = TRY(quantization_of(*dequantize));
    if (into != out_of) return std::nullopt;
    return Source{quantize->inputs[0], into};
  }

  struct Weights {
    ValueIndex value;
    ConstantPtr constant;
    std::vector<float> scales;
  };

  /// Signed bytes with a scale for each row and no zero point.
  std::optional<Weights> quantized_weights(const Node& node) {
    const Node* dequantize = maker_of<Dequantize>(node, 1);
    if (dequantize == nullptr) return std::nullopt;
    const ConstantPtr bytes = constant(*dequantize, 0), scales = constant(*dequantize, 1);
    if (!bytes || bytes->kind != ElementKind::Signed8 || bytes->shape.size() < 2 || !scales ||
        scales->kind != ElementKind::Float) {
      return std::nullopt;
    }
    if (dequantize->has_input(2)) {
      const ConstantPtr zeros = constant(*dequantize, 2);
      const auto is_other = [](int64_t zero) { return zero != 0; };
      if (!zeros || zeros->kind != ElementKind::Signed8 ||
          std::ranges::any_of(zeros->bytes, is_other)) {
        return std::nullopt;
      }
    }
    const auto rows = static_cast<size_t>(bytes->shape[0]);
    std::vector<float> numbers = scales->floats;
    if (numbers.size() == 1) numbers.assign(rows, scales->floats[0]);
    const int64_t axis = std::get<Dequantize>(dequantize->operation).axis;
    const bool by_row = axis == 0 || axis == -static_cast<int64_t>(bytes->shape.size());
    if (rows == 0 || numbers.size() != rows || (scales->floats.size() > 1 && !by_row) ||
        bytes->bytes.size() / rows > kProductLimit) {
      return std::nullopt;
    }
    return Weights{dequantize->inputs[0], bytes, std::move(numbers)};
  }

  /// The bias in units of the sums of products, less what the source's zero point adds to them;
  /// nothing when a bias cannot be told so.
  std::optional<std::vector<float>> bias_of_sums(const Node& node, const Weights& weights,
                                                 const Quantization& source) {
    const ConstantPtr bias = constant(node, 2);
    if (node.has_input(2) && (!bias || bias->kind != ElementKind::Float ||
                              bias->floats.size() != weights.scales.size())) {
      return std::nullopt;
    }
    const size_t row_size = weights.constant->bytes.size() / weights.scales.size();
    std::vector<float> sums(weights.scales.size());
    for (size_t row = 0; row < sums.size(); ++row) {
      const int8_t* first = weights.constant->bytes.data() + row * row_size;
      int64_t sum = 0;
      for (size_t index = 0; index < row_size; ++index) sum += first[index];
      const double unit = static_cast<double>(source.scale) * weights.scales[row];
      const double in_units = bias ? bias->floats[row] / unit : 0;
      sums[row] = static_cast<float>(in_units - static_cast<double>(source.zero * sum));
      if (!std::isfinite(sums[row]) || !(weights.scales[row] > 0)) return std::nullopt;
    }
    return sums;
  }

  Result<void> fuse(Node& node) {
    const auto* conv = std::get_if<Conv>(&node.operation);
    const auto* gemm = std::get_if<Gemm>(&node.operation);
    const bool is_row_matrix = gemm != nullptr && gemm->alpha == 1 && gemm->beta == 1 &&
                               !gemm->transpose_a && gemm->transpose_b;
    if (conv == nullptr && !is_row_matrix) return {};
    auto weights = quantized_weights(node);
    const size_t wanted_rank = conv != nullptr ? 4 : 2;
    if (!weights || weights->constant->shape.size() != wanted_rank) return {};
    const auto source = TRY(quantized_source(node));
    if (!source) return {};
    auto sums = bias_of_sums(node, *weights, source->quantization);
    if (!sums) return {};
    TRY(budget_.take(sums->size() * sizeof(float)));
    const auto rows = static_cast<int64_t>(sums->size());
    node.inputs = {source->value, weights->value, static_cast<ValueIndex>(graph_.values.size())};
    graph_.values.push_back({node.name, std::make_shared<Constant>(Constant{
                                            .shape = {rows}, .floats = std::move(*sums)})});
    if (conv != nullptr) {
      node.operation = QuantizedConv{*conv, source->quantization, std::move(weights->scales)};
    } else {
      node.operation = QuantizedGemm{source->quantization, std::move(weights->scales)};
    }
    return {};
  }

  /// What was not fused: weights become floats when something uses them, activations are rounded.
  Result<void> make_plain(Node& node) {
    if (std::holds_alternative<Dequantize>(node.operation)) {
      if (const Node* quantize = maker_of<Quantize>(node, 0)) {
        const Quantization into = TRY(quantization_of(*quantize));
        if (into != TRY(quantization_of(node))) {
          return unsupported(node, "of another scale than it was quantized with");
        }
        node.inputs = {quantize->inputs[0]};
        node.operation = RoundTrip{into};
      } else if (!constant(node, 0)) {
        return unsupported(node, "of what no QuantizeLinear has made");
      }
    }
    for (size_t position = 0; position < node.inputs.size(); ++position) {
      const Node* dequantize = maker_of<Dequantize>(node, position);
      if (dequantize != nullptr && constant(*dequantize, 0)) TRY(widen(*dequantize));
    }
    return {};
  }

  /// Computes weights that something does not take as bytes.
  Result<void> widen(const Node& dequantize) {
    Value& result = graph_.values[static_cast<size_t>(dequantize.outputs[0])];
    if (result.constant) return {};
    std::vector<Fact> operands;
    for (size_t position = 0; position < dequantize.inputs.size(); ++position) {
      const ConstantPtr known = constant(dequantize, position);
      operands.push_back(known ? Fact{known->shape, known} : Fact{});
    }
    const auto results = TRY(follow(dequantize, operands, limits_.elements_per_tensor, budget_));
    if (!results[0].constant) return unsupported(dequantize, "of what is not known");
    result.constant = results[0].constant;
    return {};
  }

  Graph& graph_;
  const LoadLimits& limits_;
  ByteBudget& budget_;
  std::vector<size_t> maker_;  ///< by value
};

}  // namespace

Result<void> fuse_quantized(Graph& graph, const LoadLimits& limits, ByteBudget& budget) {
  return Fusion(graph, limits, budget).run();
}

}  // namespace faceforge::nn
