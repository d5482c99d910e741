#include "lab/layer_writer.h"

#include <utility>

#include "lab/resampling.h"
#include "train/architecture.h"

namespace faceforge::lab {
namespace {

int64_t side_behind(int64_t side, int64_t kernel, int64_t stride, int64_t padding) {
  return (side + 2 * padding - kernel) / stride + 1;
}

/// The attributes that square windows have in all operators.
std::map<std::string, nn::AttributeValue> window(int64_t kernel, int64_t stride, int64_t padding) {
  return {{"kernel_shape", std::vector<int64_t>(2, kernel)},
          {"strides", std::vector<int64_t>(2, stride)},
          {"pads", std::vector<int64_t>(4, padding)}};
}

}  // namespace

LayerWriter::LayerWriter(std::string graph_name, const WeightSource& weights)
    : graph_(std::move(graph_name)), weights_(weights) {}

std::string LayerWriter::node(const std::string& op_type, const std::vector<std::string>& inputs,
                              const std::string& output,
                              std::map<std::string, nn::AttributeValue> attributes) {
  graph_.add_node({.op_type = op_type,
                   .inputs = inputs,
                   .outputs = {output},
                   .attributes = std::move(attributes)});
  return output;
}

Result<std::string> LayerWriter::constant(const std::string& name,
                                          const std::vector<int64_t>& shape) {
  const nn::Tensor tensor = TRY(weights_(name, shape));
  graph_.add_initializer(name, tensor);
  return name;
}

FeatureMaps LayerWriter::pictures(int64_t side_px, int64_t network_side_px) {
  graph_.add_input({.name = "input", .shape = {-1, 3, side_px, side_px}});
  std::string value = "input";
  if (side_px != network_side_px) {
    graph_.add_initializer("resampling", resampling_matrix(side_px, network_side_px));
    const std::vector<int64_t> turned{0, 1, 3, 2};
    value = node("MatMul", {value, "resampling"}, "resampled/rows");
    value = node("Transpose", {value}, "resampled/rows/turned", {{"perm", turned}});
    value = node("MatMul", {value, "resampling"}, "resampled/turned");
    value = node("Transpose", {value}, "resampled", {{"perm", turned}});
  }
  return {.value = value, .channels = 3, .side = network_side_px};
}

Result<FeatureMaps> LayerWriter::convolution(const std::string& name, const FeatureMaps& maps,
                                             const ConvolutionShape& shape) {
  const std::string weight = TRY(constant(
      name + ".weight", {shape.out, maps.channels / shape.groups, shape.side, shape.side}));
  auto attributes = window(shape.side, shape.stride, shape.padding);
  attributes.emplace("group", shape.groups);
  return FeatureMaps{.value = node("Conv", {maps.value, weight}, name, std::move(attributes)),
                     .channels = shape.out,
                     .side = side_behind(maps.side, shape.side, shape.stride, shape.padding)};
}

Result<FeatureMaps> LayerWriter::batch_norm(const std::string& name, const FeatureMaps& maps) {
  std::vector<std::string> inputs{maps.value};
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
    inputs.push_back(TRY(constant(name + part, {maps.channels})));
  }
  FeatureMaps result = maps;
  result.value = node("BatchNormalization", inputs, name, {{"epsilon", train::kBatchNormEpsilon}});
  return result;
}

Result<FeatureMaps> LayerWriter::prelu(const std::string& name, const FeatureMaps& maps) {
  nn::Tensor slopes = TRY(weights_(name + ".weight", {maps.channels}));
  slopes.shape = {maps.channels, 1, 1};  // ONNX lines shapes up from behind
  graph_.add_initializer(name + ".weight", slopes);
  FeatureMaps result = maps;
  result.value = node("PRelu", {maps.value, name + ".weight"}, name);
  return result;
}

FeatureMaps LayerWriter::relu(const FeatureMaps& maps) {
  FeatureMaps result = maps;
  result.value = node("Relu", {maps.value}, maps.value + "/relu");
  return result;
}

FeatureMaps LayerWriter::add(const FeatureMaps& one, const FeatureMaps& other) {
  FeatureMaps result = one;
  result.value = node("Add", {one.value, other.value}, one.value + "/sum");
  return result;
}

FeatureMaps LayerWriter::max_pool(const std::string& name, const FeatureMaps& maps, int64_t side,
                                  int64_t stride) {
  return {.value = node("MaxPool", {maps.value}, name, window(side, stride, side / 2)),
          .channels = maps.channels,
          .side = side_behind(maps.side, side, stride, side / 2)};
}

FeatureMaps LayerWriter::channel_means(const FeatureMaps& maps) {
  return {.value = node("GlobalAveragePool", {maps.value}, maps.value + "/mean"),
          .channels = maps.channels,
          .side = 1};
}

Result<FeatureMaps> LayerWriter::linear(const std::string& name, const FeatureMaps& maps,
                                        int64_t out) {
  const int64_t in = maps.channels * maps.side * maps.side;
  const std::string weight = TRY(constant(name + ".weight", {out, in}));
  const std::string bias = TRY(constant(name + ".bias", {out}));
  const std::string flat =
      node("Flatten", {maps.value}, maps.value + "/flat", {{"axis", int64_t{1}}});
  return FeatureMaps{.value = node("Gemm", {flat, weight, bias}, name, {{"transB", int64_t{1}}}),
                     .channels = out,
                     .side = 1};
}

Result<std::vector<std::byte>> LayerWriter::finish(const FeatureMaps& maps) {
  node("Flatten", {maps.value}, "embedding", {{"axis", int64_t{1}}});
  graph_.add_output({.name = "embedding", .shape = {-1, maps.channels}});
  return graph_.serialize();
}

}  // namespace faceforge::lab
