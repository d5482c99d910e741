#include "nn/quantizer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "nn/equalization.h"
#include "nn/facts.h"
#include "nn/graph_writer.h"
#include "nn/lowering.h"
#include "nn/onnx_import.h"
#include "nn/passes.h"
#include "nn/program.h"
#include "nn/range_histogram.h"

namespace faceforge::nn {
namespace {

constexpr double kPercentileLeftOut = 1.0 / 20'000;

/// Programs kept for the shapes of examples, which a detector's scales take in turns.
constexpr size_t kProgramLimit = 8;

/// Fewer channels than this a pixel are slower as bytes than as floats.
constexpr int64_t kFewestChannels = 8;

ConstantPtr float_constant(const Graph& graph, const Node& node, size_t position) {
  if (!node.has_input(position)) return nullptr;
  const ConstantPtr& constant = graph.values[static_cast<size_t>(node.inputs[position])].constant;
  return constant && constant->kind == ElementKind::Float ? constant : nullptr;
}

/// Whether a bias is none, or a number an output channel.
bool is_plain_bias(const Graph& graph, const Node& node, int64_t channels) {
  if (!node.has_input(2)) return true;
  const ConstantPtr bias = float_constant(graph, node, 2);
  return bias != nullptr && std::cmp_equal(bias->floats.size(), channels);
}

bool is_quantizable(const Graph& graph, const Node& node) {
  const ConstantPtr weights = float_constant(graph, node, 1);
  if (!weights) return false;
  if (graph.values[static_cast<size_t>(node.inputs[0])].constant) return false;
  if (const auto* conv = std::get_if<Conv>(&node.operation)) {
    if (weights->shape.size() != 4 || !is_plain_bias(graph, node, weights->shape[0])) return false;
    const bool is_depthwise = weights->shape[1] == 1 && conv->group_count == weights->shape[0];
    return is_depthwise || (conv->group_count == 1 && weights->shape[1] >= kFewestChannels);
  }
  const auto* gemm = std::get_if<Gemm>(&node.operation);
  return gemm != nullptr && weights->shape.size() == 2 && gemm->alpha == 1 && gemm->beta == 1 &&
         !gemm->transpose_a &&
         is_plain_bias(graph, node, weights->shape[gemm->transpose_b ? 0 : 1]);
}

/// Weights as signed bytes, a row for each output channel.
struct ByteWeights {
  ByteTensor bytes;
  std::vector<float> scales;
  std::vector<float> lost;  ///< of each weight, as rows: what rounding took
};

ByteWeights quantize_weights(const Constant& weights, bool rows_are_columns) {
  ByteWeights result;
  Shape shape = weights.shape;
  if (rows_are_columns) std::swap(shape[0], shape[1]);
  const auto rows = static_cast<size_t>(shape[0]);
  const size_t row_size = weights.floats.size() / rows;
  const auto at = [&](size_t row, size_t index) {
    return weights.floats[rows_are_columns ? index * rows + row : row * row_size + index];
  };
  result.bytes.values.reserve(weights.floats.size());
  for (size_t row = 0; row < rows; ++row) {
    float largest = 0;
    for (size_t index = 0; index < row_size; ++index) {
      largest = std::max(largest, std::abs(at(row, index)));
    }
    const float scale = largest > 1e-20F ? largest / 127 : 1.0F;
    result.scales.push_back(scale);
    for (size_t index = 0; index < row_size; ++index) {
      const float rounded = std::clamp(std::nearbyint(at(row, index) / scale), -127.0F, 127.0F);
      result.bytes.values.push_back(static_cast<int8_t>(rounded));
      result.lost.push_back(at(row, index) - rounded * scale);
    }
  }
  result.bytes.shape = std::move(shape);
  return result;
}

/// What the mean of each channel follows from.
struct ChannelSums {
  std::vector<double> sums;
  double count = 0;  ///< of numbers in each channel
};

}  // namespace

struct Quantizer::State {
  Graph graph;
  LoadLimits limits;
  std::vector<size_t> layer_nodes;  ///< where each layer stands in the graph
  std::vector<QuantizableLayer> layers;
  Graph observed;                   ///< the graph with the layers' sources as outputs
  std::vector<ValueIndex> sources;  ///< whose numbers are watched: the outputs of `observed`
  std::map<ValueIndex, RangeHistogram> histograms;
  ChannelReaches reaches;
  std::map<ValueIndex, ChannelSums> sums;
  std::optional<WeightStore> weights{std::in_place};
  ArenaPool arenas{kIdleLimit_bytes};
  std::map<Shape, std::shared_ptr<const Program>> programs;  ///< of `observed`
  std::vector<Shape> shapes;                                 ///< of all values, for an example
  bool has_observed = false;  ///< an example whose numbers are in the histograms

  void find_layers() {
    std::set<ValueIndex> sources_seen;
    for (size_t index = 0; index < graph.nodes.size(); ++index) {
      const Node& node = graph.nodes[index];
      if (!is_quantizable(graph, node)) continue;
      const auto count = static_cast<int64_t>(float_constant(graph, node, 1)->floats.size());
      layer_nodes.push_back(index);
      layers.push_back({node.name, node.op_type, count, 0, 0});
      if (sources_seen.insert(node.inputs[0]).second) sources.push_back(node.inputs[0]);
    }
    watch_sources();
  }

  /// What was seen, but for the reaches.
  void forget() {
    histograms.clear();
    sums.clear();
    programs.clear();
    weights.emplace();
    has_observed = false;
    observed = {};
  }

  /// Begins to observe.
  void watch_sources() {
    observed = graph;
    observed.output_values = sources;
    observed.outputs.clear();
    for (const ValueIndex source : sources) {
      observed.outputs.push_back({graph.values[static_cast<size_t>(source)].name, {}});
    }
  }

  /// The program that tells the layers' sources for inputs of a shape.
  Result<std::shared_ptr<const Program>> program_for(const Shape& input, int thread_count) {
    const auto known = programs.find(input);
    if (known != programs.end()) return known->second;
    const std::vector<Shape> input_shapes{input};
    const auto facts = TRY(infer(graph, input_shapes, limits));
    shapes.clear();
    for (const Fact& fact : facts) shapes.push_back(fact.shape);
    if (!has_observed) count_work();
    if (programs.size() == kProgramLimit) programs.clear();
    auto made =
        TRY(Program::compile(observed, input_shapes, thread_count, limits, *weights, arenas));
    return programs.emplace(input, std::move(made)).first->second;
  }

  void count_work() {
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      const Node& node = graph.nodes[layer_nodes[layer]];
      const Shape& output = shapes[static_cast<size_t>(node.outputs[0])];
      // Every weight is used once for each position of the output.
      const int64_t positions = element_count(output) / std::max<int64_t>(1, output[1]);
      layers[layer].multiplication_count = layers[layer].weight_count * positions;
      layers[layer].number_count =
          element_count(shapes[static_cast<size_t>(node.inputs[0])]) + element_count(output);
    }
  }

  /// in: an activation of pictures or rows, its channels second
  void add_channels(ValueIndex source, const Tensor& activation) {
    const auto channels = static_cast<size_t>(activation.shape[1]);
    const size_t row_count = static_cast<size_t>(activation.shape[0]) * channels;
    std::vector<float>& reach = reaches[source];
    auto& [sum, count] = sums[source];
    reach.resize(channels);
    sum.resize(channels);
    if (row_count == 0) return;
    const size_t area = activation.values.size() / row_count;
    count += static_cast<double>(activation.values.size() / channels);
    for (size_t row = 0; row < row_count; ++row) {
      const size_t channel = row % channels;
      for (const float number : std::span(activation.values).subspan(row * area, area)) {
        reach[channel] = std::max(reach[channel], std::abs(number));
        sum[channel] += number;
      }
    }
  }

  /// Of each tap of a convolution the share of positions at which it does not read the border.
  std::vector<double> shares_inside(const Conv& conv, const Node& node) const {
    const Shape& kernel = float_constant(graph, node, 1)->shape;
    const Shape& picture = shapes[static_cast<size_t>(node.inputs[0])];
    Window window = conv.window;
    window.kernel = {kernel[2], kernel[3]};
    const auto placed = place(window, std::span(picture).subspan(2), false);
    CHECK_MSG(placed.has_value(), "the network has run");
    const auto share_along = [&](size_t axis, int64_t tap) {
      int64_t inside_count = 0;
      for (int64_t position = 0; position < placed->result[axis]; ++position) {
        const int64_t at = position * placed->strides[axis] - placed->pads_begin[axis] +
                           tap * placed->dilations[axis];
        inside_count += at >= 0 && at < picture[2 + axis] ? 1 : 0;
      }
      return static_cast<double>(inside_count) / static_cast<double>(placed->result[axis]);
    };
    std::vector<double> shares;
    for (int64_t down = 0; down < kernel[2]; ++down) {
      const double share = share_along(0, down);
      for (int64_t along = 0; along < kernel[3]; ++along) {
        shares.push_back(share * share_along(1, along));
      }
    }
    return shares;
  }

  /// The mean of what each weight of a layer is multiplied by, as rows: one row for all outputs, or
  /// of a depthwise convolution a row each.
  std::vector<double> mean_operands(const Node& node) const {
    const auto* conv = std::get_if<Conv>(&node.operation);
    const std::vector<double> shares =
        conv == nullptr ? std::vector<double>{1} : shares_inside(*conv, node);
    std::vector<double> result;
    const auto& [channel_sums, count] = sums.at(node.inputs[0]);
    for (const double sum : channel_sums) {
      const double mean = sum / std::max(1.0, count);
      for (const double share : shares) result.push_back(mean * share);
    }
    return result;
  }

  Quantization quantization(ValueIndex source, RangeMethod method) const {
    const RangeHistogram& histogram = histograms.at(source);
    switch (method) {
      case RangeMethod::MinimumMaximum:
        return quantization_of_range(histogram.extremes());
      case RangeMethod::Percentile:
        return quantization_of_range(histogram.percentile(kPercentileLeftOut));
      case RangeMethod::Entropy:
        return quantization_of_range(histogram.entropy());
      case RangeMethod::SquaredError:
        return quantization_of_range(histogram.squared_error());
    }
    return {};
  }
};

namespace {

/// Writes the pairs around layers on bytes, each source's pair once.
class PairWriter {
 public:
  PairWriter(const Graph& graph, std::map<ValueIndex, Quantization> quantizations,
             std::map<size_t, std::vector<double>> mean_operands)
      : graph_(graph),
        quantizations_(std::move(quantizations)),
        mean_operands_(std::move(mean_operands)) {}

  bool operator()(size_t node_index, std::span<const std::string> names, UniqueNames& unique,
                  GraphBuilder& builder) {
    if (!mean_operands_.contains(node_index)) return false;
    const Node& node = graph_.nodes[node_index];
    const std::string result = names[static_cast<size_t>(node.outputs[0])];
    const std::string weights = unique.fresh(result + "_weights");
    const std::string bytes = unique.fresh(weights + "_quantized");
    const std::string scales = unique.fresh(weights + "_scale"),
                      zeros = unique.fresh(weights + "_zero");
    const auto* gemm = std::get_if<Gemm>(&node.operation);
    const auto quantized =
        quantize_weights(*float_constant(graph_, node, 1), gemm != nullptr && !gemm->transpose_b);
    const auto rows = static_cast<int64_t>(quantized.scales.size());
    builder.add_initializer(bytes, quantized.bytes);
    builder.add_initializer(scales, Tensor{{rows}, quantized.scales});
    builder.add_initializer(zeros,
                            ByteTensor{{rows}, std::vector<int8_t>(quantized.scales.size(), 0)});
    builder.add_node(
        {"DequantizeLinear", {bytes, scales, zeros}, {weights}, {{"axis", int64_t{0}}}, weights});
    NodeSpec spec{.op_type = node.op_type,
                  .inputs = {source_of(node, names, unique, builder), weights},
                  .outputs = {result},
                  .attributes = {},
                  .name = node.name};
    spec.inputs.push_back(unique.fresh(result + "_bias"));
    builder.add_initializer(spec.inputs.back(),
                            Tensor{{rows}, corrected_bias(node_index, quantized)});
    if (const auto* conv = std::get_if<Conv>(&node.operation)) {
      spec.attributes = conv_attributes(*conv);
    } else {
      spec.attributes = {{"transB", int64_t{1}}};
    }
    builder.add_node(spec);
    return true;
  }

 private:
  /// The bias, and what the rounding of the weights takes from the mean of each output.
  std::vector<float> corrected_bias(size_t node_index, const ByteWeights& weights) const {
    const ConstantPtr bias = float_constant(graph_, graph_.nodes[node_index], 2);
    const size_t rows = weights.scales.size();
    std::vector<float> result = bias ? bias->floats : std::vector<float>(rows, 0);
    const std::vector<double>& operands = mean_operands_.at(node_index);
    for (size_t index = 0; index < weights.lost.size(); ++index) {
      result[index / (weights.lost.size() / rows)] +=
          static_cast<float>(double{weights.lost[index]} * operands[index % operands.size()]);
    }
    return result;
  }

  std::string source_of(const Node& node, std::span<const std::string> names, UniqueNames& unique,
                        GraphBuilder& builder) {
    const ValueIndex source = node.inputs[0];
    const std::string name = names[static_cast<size_t>(source)];
    std::string& result = written_[source];
    if (!result.empty()) return result;
    result = unique.fresh(name + "_dequantized");
    const std::string bytes = unique.fresh(name + "_quantized");
    const std::string scale = unique.fresh(name + "_scale"), zero = unique.fresh(name + "_zero");
    const Quantization& quantization = quantizations_.at(source);
    builder.add_initializer(scale, Tensor{{}, {quantization.scale}});
    builder.add_initializer(zero, UnsignedByte{static_cast<uint8_t>(quantization.zero)});
    builder.add_node({"QuantizeLinear", {name, scale, zero}, {bytes}, {}, bytes});
    builder.add_node({"DequantizeLinear", {bytes, scale, zero}, {result}, {}, result});
    return result;
  }

  const Graph& graph_;
  std::map<ValueIndex, Quantization> quantizations_;
  std::map<size_t, std::vector<double>> mean_operands_;  ///< of the nodes on bytes
  std::map<ValueIndex, std::string> written_;            ///< the dequantized name of each source
};

}  // namespace

Quantizer::Quantizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Quantizer::~Quantizer() = default;
Quantizer::Quantizer(Quantizer&&) noexcept = default;
Quantizer& Quantizer::operator=(Quantizer&&) noexcept = default;

Result<Quantizer> Quantizer::load(const std::filesystem::path& file, const LoadLimits& limits) {
  const auto bytes = TRY(read_file(file, limits.file_bytes));
  return parse(bytes, limits);
}

Result<Quantizer> Quantizer::parse(std::span<const std::byte> bytes, const LoadLimits& limits) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  ByteBudget budget(limits.weight_bytes);
  state->graph = TRY(import_onnx(bytes, limits, budget));
  for (const Node& node : state->graph.nodes) {
    if (std::holds_alternative<Quantize>(node.operation) ||
        std::holds_alternative<Dequantize>(node.operation)) {
      return fail(ErrorCode::InvalidInput, "already_quantized",
                  "node {}: the network is quantized already", to_string(node));
    }
  }
  TRY(simplify(state->graph, limits, budget));
  state->find_layers();
  return Quantizer(std::move(state));
}

const std::vector<QuantizableLayer>& Quantizer::layers() const {
  return state_->layers;
}

Result<void> Quantizer::observe(const Tensor& input, const RunOptions& options) {
  State& state = *state_;
  if (state.sources.empty()) return {};
  const auto program = TRY(state.program_for(input.shape, options.thread_count));
  std::vector<Tensor> activations;
  TRY(program->run(std::span(&input, 1), activations, state.limits));
  if (!std::ranges::all_of(activations, RangeHistogram::takes, &Tensor::values)) {
    return fail(ErrorCode::InvalidInput, "activation_not_finite",
                "an example makes numbers that are not finite");
  }
  for (size_t index = 0; index < activations.size(); ++index) {
    state.histograms[state.sources[index]].add(activations[index].values);
    state.add_channels(state.sources[index], activations[index]);
  }
  state.has_observed = true;
  return {};
}

Result<size_t> Quantizer::equalize() {
  State& state = *state_;
  if (state.sources.empty()) return 0;
  if (!state.has_observed) {
    return fail(ErrorCode::InvalidInput, "nothing_observed",
                "no example has shown how far the network's channels reach");
  }
  state.forget();  // who held the weights, so that those replaced are gone
  const size_t count = equalize_channels(state.graph, std::exchange(state.reaches, {}));
  state.watch_sources();
  return count;
}

Result<std::vector<std::byte>> Quantizer::write(RangeMethod method,
                                                const std::vector<bool>& on_bytes) const {
  const State& state = *state_;
  if (on_bytes.size() != state.layers.size()) {
    return fail(ErrorCode::InvalidInput, "layer_count", "{} flags; the network has {} layers",
                on_bytes.size(), state.layers.size());
  }
  if (!state.has_observed) {
    return fail(ErrorCode::InvalidInput, "nothing_observed",
                "no example has shown the ranges of the network's numbers");
  }
  std::map<ValueIndex, Quantization> quantizations;
  std::map<size_t, std::vector<double>> mean_operands;
  for (size_t layer = 0; layer < on_bytes.size(); ++layer) {
    if (!on_bytes[layer]) continue;
    const size_t node = state.layer_nodes[layer];
    const ValueIndex source = state.graph.nodes[node].inputs[0];
    if (!quantizations.contains(source)) quantizations[source] = state.quantization(source, method);
    mean_operands[node] = state.mean_operands(state.graph.nodes[node]);
  }
  return write_graph(state.graph, state.shapes,
                     PairWriter(state.graph, std::move(quantizations), std::move(mean_operands)));
}

std::string_view to_string(RangeMethod method) {
  switch (method) {
    case RangeMethod::MinimumMaximum:
      return "minimum_maximum";
    case RangeMethod::Percentile:
      return "percentile";
    case RangeMethod::Entropy:
      return "entropy";
    case RangeMethod::SquaredError:
      return "squared_error";
  }
  return "";
}

std::optional<RangeMethod> range_method_from(std::string_view name) {
  for (const RangeMethod method : {RangeMethod::MinimumMaximum, RangeMethod::Percentile,
                                   RangeMethod::Entropy, RangeMethod::SquaredError}) {
    if (name == to_string(method)) return method;
  }
  return std::nullopt;
}

}  // namespace faceforge::nn
