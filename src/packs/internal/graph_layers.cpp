// source: TensorFlow's operators of the same names, as TensorFlow.js runs them.
#include <algorithm>
#include <array>
#include <memory>

#include "packs/internal/graph_operators.h"
#include "packs/internal/network_writer.h"

namespace faceforge::packs {
namespace {

constexpr int64_t kWindowLimit = 1 << 16;  // nn's own

using Pair = std::array<int64_t, 2>;  // rows, columns

/// Where a window stands on a picture, and what comes of it.
struct Window {
  Pair kernel{1, 1};
  Pair strides{1, 1};
  Pair dilations{1, 1};
  Pair before{0, 0};
  Pair after{0, 0};
  Pair result{0, 0};

  [[nodiscard]] std::map<std::string, nn::AttributeValue> attributes() const {
    return {{"kernel_shape", std::vector<int64_t>(kernel.begin(), kernel.end())},
            {"strides", std::vector<int64_t>(strides.begin(), strides.end())},
            {"pads", std::vector<int64_t>{before[0], before[1], after[0], after[1]}}};
  }
};

/// Rows and columns of an attribute [1, rows, columns, 1].
Result<Pair> pair_attribute(const OperatorCall& call, std::string_view attribute) {
  const auto numbers = TRY(call.node.integers(attribute, {1, 1, 1, 1}));
  if (numbers.size() != 4) return call.malformed("{} {}", numbers.size(), attribute);
  if (numbers[0] != 1 || numbers[3] != 1) {
    return call.unsupported("{} over pictures or channels", attribute);
  }
  for (const int64_t number : numbers) {
    if (number < 1 || number > kWindowLimit) return call.malformed("{} of {}", attribute, number);
  }
  return Pair{numbers[1], numbers[2]};
}

/// in: `window` its kernel, strides and dilations. out: its borders and its result's sides
Result<void> place(const OperatorCall& call, const GraphValue& picture, Window& window) {
  const std::string padding = TRY(call.node.text("padding", "VALID"));
  const auto explicit_pads = TRY(call.node.integers("explicit_paddings", {}));
  if (padding == "EXPLICIT" && explicit_pads.size() != 8) {
    return call.malformed("{} explicit paddings", explicit_pads.size());
  }
  for (size_t side = 0; side < 2; ++side) {
    const int64_t length = picture.shape[side + 1];
    const int64_t kernel = window.kernel[side];
    const int64_t stride = window.strides[side];
    if (kernel < 1 || kernel > kWindowLimit) return call.malformed("a kernel of {}", kernel);
    const int64_t extent = (kernel - 1) * window.dilations[side] + 1;
    if (padding == "SAME") {
      // TensorFlow's: what is odd goes below and to the right.
      const int64_t wanted = (length + stride - 1) / stride;
      const int64_t total = std::max<int64_t>((wanted - 1) * stride + extent - length, 0);
      window.before[side] = total / 2;
      window.after[side] = total - total / 2;
    } else if (padding == "EXPLICIT") {
      window.before[side] = explicit_pads[side * 2 + 2];
      window.after[side] = explicit_pads[side * 2 + 3];
    } else if (padding != "VALID") {
      return call.unsupported("padding {}", padding);
    }
    if (std::min(window.before[side], window.after[side]) < 0 ||
        std::max(window.before[side], window.after[side]) > kWindowLimit) {
      return call.malformed("a border of {} and {}", window.before[side], window.after[side]);
    }
    const int64_t padded = length + window.before[side] + window.after[side];
    if (padded < extent) return call.malformed("a window of {} on a side of {}", extent, padded);
    window.result[side] = (padded - extent) / stride + 1;
  }
  return {};
}

/// The operand that windows slide over.
Result<GraphValue> picture_operand(const OperatorCall& call) {
  const std::string format = TRY(call.node.text("data_format", "NHWC"));
  if (format != "NHWC") return call.unsupported("data format {}", format);
  const GraphValue value = TRY(call.moving(0));
  if (value.rank() != 4) return call.malformed("of a tensor {}", nn::to_string(value.shape));
  return call.writer.in_layout(value, Layout::Picture);
}

/// What is fused behind a convolution or a matrix: the bias, and one function of each number.
struct Fused {
  bool has_bias = false;
  std::string function = {};
};

Result<Fused> read_fused(const OperatorCall& call) {
  const auto parts = TRY(call.node.texts("fused_ops"));
  Fused fused;
  for (const std::string& part : parts) {
    const bool is_first = &part == &parts.front();
    if (part == "BiasAdd" && is_first) {
      fused.has_bias = true;
    } else if (fused.function.empty() && part != "FusedBatchNorm") {
      fused.function = part;
    } else {
      return call.unsupported("{} fused into it", part);
    }
  }
  return fused;
}

/// A constant with one number a channel.
Result<nn::Tensor> channel_numbers(const OperatorCall& call, size_t position, int64_t channels) {
  nn::Tensor numbers = TRY(call.floats(position));
  if (std::cmp_not_equal(numbers.values.size(), channels)) {
    return call.malformed("its input {} has {} numbers for {} channels", position,
                          numbers.values.size(), channels);
  }
  numbers.shape = {channels};
  return numbers;
}

/// Writes what is fused behind `result`, whose bias is done already.
Converted finish(const OperatorCall& call, const Fused& fused, const GraphValue& result) {
  if (fused.function.empty()) {
    return one_result(call, result.name, result.shape, result.layout);
  }
  const size_t slope = fused.has_bias ? 3 : 2;
  const GraphValue* slopes = slope < call.inputs.size() ? &call.inputs[slope] : nullptr;
  return one_result(call, TRY(activate(call, fused.function, result, slopes)), result.shape,
                    result.layout);
}

Converted convolve(const OperatorCall& call, FilterKind kind) {
  const GraphValue picture = TRY(picture_operand(call));
  nn::Tensor filter = TRY(call.floats(1));
  if (filter.shape.size() != 4) return call.malformed("a filter {}", nn::to_string(filter.shape));
  const int64_t channels = picture.shape[3];
  int64_t group_count = channels;
  if (kind == FilterKind::Depthwise) {
    if (filter.shape[2] != channels) {
      return call.malformed("a filter for {} channels on {}", filter.shape[2], channels);
    }
    // A channel's outputs stand side by side, as ONNX's groups have them.
    filter.shape = {filter.shape[0], filter.shape[1], channels * filter.shape[3], 1};
  } else {
    if (channels % filter.shape[2] != 0 || filter.shape[3] % (channels / filter.shape[2]) != 0) {
      return call.malformed("a filter {} on {} channels", nn::to_string(filter.shape), channels);
    }
    group_count = channels / filter.shape[2];
  }
  const nn::Tensor turned = to_onnx_filter(filter, kind);
  Window window{.kernel = {filter.shape[0], filter.shape[1]}};
  window.strides = TRY(pair_attribute(call, "strides"));
  window.dilations = TRY(pair_attribute(call, "dilations"));
  TRY(place(call, picture, window));

  const std::string& name = call.node.name;
  const Fused fused = TRY(read_fused(call));
  std::vector<std::string> inputs{picture.name, call.writer.constant(turned, name + "/filter")};
  if (fused.has_bias) {
    const auto bias = TRY(channel_numbers(call, 2, turned.shape[0]));
    inputs.push_back(call.writer.constant(bias, name + "/bias"));
  }
  auto attributes = window.attributes();
  attributes["group"] = group_count;
  attributes["dilations"] = std::vector<int64_t>(window.dilations.begin(), window.dilations.end());
  const GraphValue result{.name = call.writer.node("Conv", inputs, name, std::move(attributes)),
                          .shape = {kBatch, window.result[0], window.result[1], turned.shape[0]},
                          .layout = Layout::Picture};
  return finish(call, fused, result);
}

Converted convolution(OperatorCall& call) {
  return convolve(call, FilterKind::Ordinary);
}

Converted depthwise_convolution(OperatorCall& call) {
  return convolve(call, FilterKind::Depthwise);
}

Converted pool(OperatorCall& call) {
  const GraphValue picture = TRY(picture_operand(call));
  Window window;
  window.kernel = TRY(pair_attribute(call, "ksize"));
  window.strides = TRY(pair_attribute(call, "strides"));
  TRY(place(call, picture, window));
  auto attributes = window.attributes();
  const bool is_average = call.node.op == "AvgPool";
  // TensorFlow's averages are of the picture alone.
  if (is_average) attributes["count_include_pad"] = int64_t{0};
  const std::string name = call.writer.node(is_average ? "AveragePool" : "MaxPool", {picture.name},
                                            call.node.name, std::move(attributes));
  return one_result(call, name, {kBatch, window.result[0], window.result[1], picture.shape[3]},
                    Layout::Picture);
}

Converted bias_add(OperatorCall& call) {
  const std::string format = TRY(call.node.text("data_format", "NHWC"));
  if (format != "NHWC") return call.unsupported("data format {}", format);
  const GraphValue value = TRY(call.moving(0));
  GraphValue known;
  known.floats = std::make_shared<nn::Tensor>(TRY(channel_numbers(call, 1, value.shape.back())));
  known.shape = known.floats->shape;
  const std::string bias = TRY(call.beside(value, known));
  return one_result(call, call.writer.node("Add", {value.name, bias}, call.node.name), value.shape,
                    value.layout);
}

Converted batch_norm(OperatorCall& call) {
  const GraphValue picture = TRY(picture_operand(call));
  const double epsilon = TRY(call.node.real("epsilon", 1e-4));
  std::vector<std::string> inputs{picture.name};
  for (const size_t position : {1, 2, 3, 4}) {
    const auto numbers = TRY(channel_numbers(call, position, picture.shape[3]));
    inputs.push_back(call.writer.constant(numbers, call.node.name + "/operand"));
  }
  const std::string name = call.writer.node("BatchNormalization", std::move(inputs), call.node.name,
                                            {{"epsilon", static_cast<float>(epsilon)}});
  return one_result(call, name, picture.shape, Layout::Picture);
}

Converted matrix(OperatorCall& call) {
  const GraphValue rows = TRY(call.moving(0));
  const nn::Tensor factors = TRY(call.floats(1));
  if (TRY(call.node.flag("transpose_a", false))) return call.unsupported("a transposed input");
  const bool is_transposed = TRY(call.node.flag("transpose_b", false));
  if (rows.rank() != 2 || factors.shape.size() != 2 ||
      factors.shape[is_transposed ? 1 : 0] != rows.shape[1]) {
    return call.malformed("of {} with {}", nn::to_string(rows.shape), nn::to_string(factors.shape));
  }
  const int64_t columns = factors.shape[is_transposed ? 0 : 1];
  const std::string& name = call.node.name;
  const Fused fused = TRY(read_fused(call));
  std::vector<std::string> inputs{rows.name, call.writer.constant(factors, name + "/factors")};
  if (fused.has_bias) {
    const auto bias = TRY(channel_numbers(call, 2, columns));
    inputs.push_back(call.writer.constant(bias, name + "/bias"));
  }
  const GraphValue result{.name = call.writer.node("Gemm", std::move(inputs), name,
                                                   {{"transB", int64_t{is_transposed}}}),
                          .shape = {kBatch, columns}};
  return finish(call, fused, result);
}

/// ONNX's words for where the pixels of a resized picture come from.
struct Sampling {
  std::string coordinates;
  std::string rounding;
};

Sampling sampling(bool aligns_corners, bool has_half_pixels) {
  // Rounded up at a half: JavaScript's Math.round, and floor((x + 0.5) * scale).
  if (aligns_corners) return {.coordinates = "align_corners", .rounding = "round_prefer_ceil"};
  if (has_half_pixels) return {.coordinates = "half_pixel", .rounding = "round_prefer_ceil"};
  return {.coordinates = "asymmetric", .rounding = "floor"};
}

Converted resize(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  if (value.rank() != 4) return call.malformed("of a tensor {}", nn::to_string(value.shape));
  const GraphValue picture = call.writer.in_layout(value, Layout::Picture);
  const auto sides = TRY(call.integers(1));
  if (sides.size() != 2) return call.malformed("to {} sides", sides.size());
  const bool aligns_corners = TRY(call.node.flag("align_corners", false));
  const bool has_half_pixels = TRY(call.node.flag("half_pixel_centers", false));
  const Sampling how = sampling(aligns_corners, has_half_pixels);
  const std::string& name = call.node.name;
  GraphWriter& writer = call.writer;
  // Sides, not factors: those would have to be rounded.
  const std::string shape = writer.node("Shape", {picture.name}, name + "/shape");
  const std::string first = writer.constant({0}, name + "/first");
  const std::string end = writer.constant({2}, name + "/end");
  const std::string front = writer.node("Slice", {shape, first, end}, name + "/front");
  const std::string back = writer.constant(sides, name + "/back");
  const std::string wanted =
      writer.node("Concat", {front, back}, name + "/sizes", {{"axis", int64_t{0}}});
  const bool is_linear = call.node.op == "ResizeBilinear";
  std::map<std::string, nn::AttributeValue> attributes = {
      {"mode", std::string(is_linear ? "linear" : "nearest")},
      {"coordinate_transformation_mode", how.coordinates}};
  if (!is_linear) attributes["nearest_mode"] = how.rounding;
  return one_result(call, writer.node("Resize", {picture.name, "", "", wanted}, name, attributes),
                    {kBatch, sides[0], sides[1], picture.shape[3]}, Layout::Picture);
}

}  // namespace

const OperatorTable& layer_operators() {
  static const OperatorTable table = {
      {"Conv2D", convolution},
      {"_FusedConv2D", convolution},
      {"DepthwiseConv2dNative", depthwise_convolution},
      {"FusedDepthwiseConv2dNative", depthwise_convolution},
      {"MaxPool", pool},
      {"AvgPool", pool},
      {"BiasAdd", bias_add},
      {"FusedBatchNorm", batch_norm},
      {"FusedBatchNormV2", batch_norm},
      {"FusedBatchNormV3", batch_norm},
      {"MatMul", matrix},
      {"_FusedMatMul", matrix},
      {"ResizeBilinear", resize},
      {"ResizeNearestNeighbor", resize},
  };
  return table;
}

}  // namespace faceforge::packs
