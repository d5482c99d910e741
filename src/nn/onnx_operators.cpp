#include "nn/onnx_operators.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>

#include <onnx/onnx_pb.h>

#include "nn/onnx_names.h"
#include "nn/onnx_tensor.h"

namespace faceforge::nn {
namespace {

/// No picture needs a larger kernel, stride or border, nor more groups of channels; it keeps
/// products of them far from overflow.
constexpr int64_t kWindowLimit = 1 << 16;

std::string described(const onnx::NodeProto& node) {
  const std::string& name =
      node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
  return quoted_name(node.op_type()) + " of node " + quoted_name(name);
}

Unexpected unsupported(const onnx::NodeProto& node, std::string_view what) {
  return fail(ErrorCode::Unsupported, "operator_unsupported", "operator {}: {}", described(node),
              what);
}

Unexpected malformed(const onnx::NodeProto& node, std::string_view what) {
  return fail(ErrorCode::Corrupt, "model_malformed", "operator {}: {}", described(node), what);
}

/// Attributes of one node by name, with their ONNX defaults.
class Attributes {
 public:
  Attributes(const onnx::NodeProto& node, int64_t opset) : node_(node), opset_(opset) {}

  const onnx::NodeProto& node() const { return node_; }
  int64_t opset() const { return opset_; }

  const onnx::AttributeProto* find(std::string_view name) const {
    for (const auto& attribute : node_.attribute()) {
      if (attribute.name() == name) return &attribute;
    }
    return nullptr;
  }
  int64_t integer(std::string_view name, int64_t otherwise) const {
    const auto* found = find(name);
    return found != nullptr && found->has_i() ? found->i() : otherwise;
  }
  float real(std::string_view name, float otherwise) const {
    const auto* found = find(name);
    return found != nullptr && found->has_f() ? found->f() : otherwise;
  }
  std::string text(std::string_view name, std::string otherwise) const {
    const auto* found = find(name);
    return found != nullptr && found->has_s() ? found->s() : std::move(otherwise);
  }
  std::optional<std::vector<int64_t>> integers(std::string_view name) const {
    const auto* found = find(name);
    if (found == nullptr) return std::nullopt;
    return std::vector<int64_t>(found->ints().begin(), found->ints().end());
  }
  std::vector<float> reals(std::string_view name) const {
    const auto* found = find(name);
    if (found == nullptr) return {};
    return {found->floats().begin(), found->floats().end()};
  }

 private:
  const onnx::NodeProto& node_;
  int64_t opset_;
};

Result<Window> read_window(const Attributes& attributes) {
  Window window;
  window.kernel = attributes.integers("kernel_shape").value_or(Shape{});
  window.strides = attributes.integers("strides").value_or(Shape{});
  window.dilations = attributes.integers("dilations").value_or(Shape{});
  const auto pads = attributes.integers("pads").value_or(Shape{});
  const std::string auto_pad = attributes.text("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER") {
    window.auto_pad = AutoPad::SameUpper;
  } else if (auto_pad == "SAME_LOWER") {
    window.auto_pad = AutoPad::SameLower;
  } else if (auto_pad == "VALID") {
    window.auto_pad = AutoPad::Valid;
  } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
    return malformed(attributes.node(), "auto_pad is " + quoted_name(auto_pad));
  }
  if (pads.size() % 2 != 0 || pads.size() > 2 * kMaxRank) {
    return malformed(attributes.node(), fmt::format("{} pads", pads.size()));
  }
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  window.pads_begin.assign(pads.begin(), middle);
  window.pads_end.assign(middle, pads.end());
  for (const auto* sizes : {&window.kernel, &window.strides, &window.dilations}) {
    for (const int64_t size : *sizes) {
      if (size < 1 || size > kWindowLimit) {
        return malformed(attributes.node(), fmt::format("a window size is {}", size));
      }
    }
  }
  for (const int64_t pad : pads) {
    if (pad < 0 || pad > kWindowLimit) {
      return malformed(attributes.node(), fmt::format("a pad is {}", pad));
    }
  }
  return window;
}

/// Every attribute that the known operators have, with the type that ONNX gives it.
std::optional<onnx::AttributeProto::AttributeType> type_of_attribute(std::string_view name) {
  using A = onnx::AttributeProto;
  static const std::unordered_map<std::string_view, A::AttributeType> kTypes = {
      {"allowzero", A::INT},
      {"alpha", A::FLOAT},
      {"auto_pad", A::STRING},
      {"axes", A::INTS},
      {"axis", A::INT},
      {"beta", A::FLOAT},
      {"ceil_mode", A::INT},
      {"count_include_pad", A::INT},
      {"coordinate_transformation_mode", A::STRING},
      {"dilations", A::INTS},
      {"end", A::INT},
      {"ends", A::INTS},
      {"epsilon", A::FLOAT},
      {"group", A::INT},
      {"keepdims", A::INT},
      {"kernel_shape", A::INTS},
      {"max", A::FLOAT},
      {"min", A::FLOAT},
      {"mode", A::STRING},
      {"nearest_mode", A::STRING},
      {"noop_with_empty_axes", A::INT},
      {"pads", A::INTS},
      {"perm", A::INTS},
      {"scales", A::FLOATS},
      {"split", A::INTS},
      {"start", A::INT},
      {"starts", A::INTS},
      {"storage_order", A::INT},
      {"strides", A::INTS},
      {"to", A::INT},
      {"training_mode", A::INT},
      {"transA", A::INT},
      {"transB", A::INT}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

Result<void> check_attribute_types(const onnx::NodeProto& node) {
  for (const auto& attribute : node.attribute()) {
    const auto wanted = type_of_attribute(attribute.name());
    if (wanted && attribute.type() != *wanted) {
      return malformed(node, "attribute " + quoted_name(attribute.name()) + " has a wrong type");
    }
  }
  return {};
}

Result<Operation> read_conv(const Attributes& attributes) {
  auto window = TRY(read_window(attributes));
  Conv conv{.window = std::move(window), .group_count = attributes.integer("group", 1)};
  if (conv.group_count < 1 || conv.group_count > kWindowLimit) {
    return malformed(attributes.node(), fmt::format("{} groups", conv.group_count));
  }
  return conv;
}

Result<Operation> read_pool(const Attributes& attributes) {
  Pool pool;
  pool.window = TRY(read_window(attributes));
  if (pool.window.kernel.empty()) return malformed(attributes.node(), "kernel_shape is missing");
  pool.ceil_mode = attributes.integer("ceil_mode", 0) != 0;
  if (attributes.node().op_type() == "AveragePool") {
    pool.kind = attributes.integer("count_include_pad", 0) != 0 ? PoolKind::AverageWithPadding
                                                                : PoolKind::AverageOfPicture;
  } else if (attributes.integer("storage_order", 0) != 0 || attributes.node().output_size() > 1) {
    return unsupported(attributes.node(), "indices of the maxima are not implemented");
  }
  return pool;
}

Result<Operation> read_clip(const Attributes& attributes) {
  return Unary{UnaryKind::Clip, attributes.real("min", std::numeric_limits<float>::lowest()),
               attributes.real("max", std::numeric_limits<float>::max())};
}

Result<Operation> read_batch_norm(const Attributes& attributes) {
  if (attributes.integer("training_mode", 0) != 0 || attributes.node().output_size() > 1) {
    return unsupported(attributes.node(), "training mode is not implemented");
  }
  return BatchNorm{attributes.real("epsilon", 1e-5F)};
}

Result<Operation> read_pad(const Attributes& attributes) {
  Pad pad{.pads = attributes.integers("pads"), .value = attributes.real("value", 0)};
  const std::string mode = attributes.text("mode", "constant");
  if (mode == "reflect") {
    pad.mode = PadMode::Reflect;
  } else if (mode == "edge") {
    pad.mode = PadMode::Edge;
  } else if (mode != "constant") {
    return unsupported(attributes.node(), "mode " + quoted_name(mode));
  }
  return pad;
}

Result<Operation> read_slice(const Attributes& attributes) {
  Slice slice;
  slice.axes = attributes.integers("axes");
  slice.from_attributes = attributes.opset() < 10;
  slice.starts = attributes.integers("starts").value_or(Shape{});
  slice.ends = attributes.integers("ends").value_or(Shape{});
  return slice;
}

Result<Operation> read_cast(const Attributes& attributes) {
  switch (attributes.integer("to", 0)) {
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::DOUBLE:
      return Cast{ElementKind::Float};
    case onnx::TensorProto::INT32:
    case onnx::TensorProto::INT64:
      return Cast{ElementKind::Integer};
    default:
      return unsupported(attributes.node(),
                         fmt::format("to ONNX type {}", attributes.integer("to", 0)));
  }
}

Result<Operation> read_constant_of_shape(const Attributes& attributes) {
  const auto* found = attributes.find("value");
  ConstantOfShape fill;
  if (found == nullptr) {
    fill.value = std::make_shared<Constant>(Constant{.shape = {1}, .floats = {0.0F}});
    return fill;
  }
  if (!found->has_t()) return malformed(attributes.node(), "its value is no tensor");
  if (std::ranges::any_of(found->t().dims(), [](int64_t size) { return size != 1; })) {
    return malformed(attributes.node(), "its value is not one number");
  }
  ByteBudget one_number(bytes_each_of(ElementKind::Integer));
  fill.value = widened(TRY(read_tensor(found->t(), {.elements_per_tensor = 1}, one_number)));
  return fill;
}

Result<Operation> read_resize(const Attributes& attributes) {
  const bool is_old = attributes.opset() < 11 || attributes.node().op_type() == "Upsample";
  Resize resize{.scales_input = is_old ? 1 : 2, .scales = attributes.reals("scales")};
  const std::string mode = attributes.text("mode", "nearest");
  if (mode == "linear") {
    resize.mode = ResizeMode::Linear;
  } else if (mode != "nearest") {
    return unsupported(attributes.node(), "mode " + quoted_name(mode));
  }
  const std::string coordinates =
      attributes.text("coordinate_transformation_mode", is_old ? "asymmetric" : "half_pixel");
  static const std::unordered_map<std::string, ResizeCoordinates> kCoordinates = {
      {"half_pixel", ResizeCoordinates::HalfPixel},
      {"pytorch_half_pixel", ResizeCoordinates::PytorchHalfPixel},
      {"align_corners", ResizeCoordinates::AlignCorners},
      {"asymmetric", ResizeCoordinates::Asymmetric},
      {"tf_half_pixel_for_nn", ResizeCoordinates::TfHalfPixel}};
  const auto known = kCoordinates.find(coordinates);
  if (known == kCoordinates.end()) {
    return unsupported(attributes.node(), "coordinates " + quoted_name(coordinates));
  }
  resize.coordinates = known->second;
  const std::string nearest =
      attributes.text("nearest_mode", is_old ? "floor" : "round_prefer_floor");
  static const std::unordered_map<std::string, NearestMode> kNearest = {
      {"round_prefer_floor", NearestMode::RoundPreferFloor},
      {"round_prefer_ceil", NearestMode::RoundPreferCeil},
      {"floor", NearestMode::Floor},
      {"ceil", NearestMode::Ceil}};
  const auto rounding = kNearest.find(nearest);
  if (rounding == kNearest.end()) {
    return unsupported(attributes.node(), "nearest mode " + quoted_name(nearest));
  }
  resize.nearest = rounding->second;
  return resize;
}

using Reader = std::function<Result<Operation>(const Attributes&)>;

struct KnownOperator {
  int fewest_inputs;
  int most_inputs;
  Reader read;
};

template <typename Kind>
Reader always(Kind operation) {
  return [operation](const Attributes&) -> Result<Operation> { return operation; };
}

Reader unary(UnaryKind kind, float alpha = 0, float beta = 0) {
  return [=](const Attributes& attributes) -> Result<Operation> {
    return Unary{kind, attributes.real("alpha", alpha), attributes.real("beta", beta)};
  };
}

Reader reduce(ReduceKind kind) {
  return [=](const Attributes& attributes) -> Result<Operation> {
    if (attributes.integer("noop_with_empty_axes", 0) != 0) {
      return unsupported(attributes.node(), "noop_with_empty_axes");
    }
    return Reduce{kind, attributes.integers("axes"), attributes.integer("keepdims", 1) != 0};
  };
}

const std::unordered_map<std::string, KnownOperator>& known_operators() {
  using A = const Attributes&;
  using R = Result<Operation>;
  static const std::unordered_map<std::string, KnownOperator> known = {
      {"Conv", {2, 3, read_conv}},
      {"MaxPool", {1, 1, read_pool}},
      {"AveragePool", {1, 1, read_pool}},
      {"GlobalAveragePool", {1, 1, always(GlobalPool{ReduceKind::Mean})}},
      {"GlobalMaxPool", {1, 1, always(GlobalPool{ReduceKind::Max})}},
      {"Gemm",
       {2, 3,
        [](A a) -> R {
          return Gemm{a.real("alpha", 1), a.real("beta", 1), a.integer("transA", 0) != 0,
                      a.integer("transB", 0) != 0};
        }}},
      {"MatMul", {2, 2, always(MatMul{})}},
      {"BatchNormalization", {5, 5, read_batch_norm}},
      {"Relu", {1, 1, unary(UnaryKind::Relu)}},
      {"LeakyRelu", {1, 1, unary(UnaryKind::LeakyRelu, 0.01F)}},
      {"Sigmoid", {1, 1, unary(UnaryKind::Sigmoid)}},
      {"HardSwish", {1, 1, unary(UnaryKind::HardSwish)}},
      {"HardSigmoid", {1, 1, unary(UnaryKind::HardSigmoid, 0.2F, 0.5F)}},
      {"Elu", {1, 1, unary(UnaryKind::Elu, 1)}},
      {"Exp", {1, 1, unary(UnaryKind::Exp)}},
      {"Log", {1, 1, unary(UnaryKind::Log)}},
      {"Sqrt", {1, 1, unary(UnaryKind::Sqrt)}},
      {"Tanh", {1, 1, unary(UnaryKind::Tanh)}},
      {"Abs", {1, 1, unary(UnaryKind::Abs)}},
      {"Neg", {1, 1, unary(UnaryKind::Negate)}},
      {"Floor", {1, 1, unary(UnaryKind::Floor)}},
      {"Ceil", {1, 1, unary(UnaryKind::Ceil)}},
      {"Clip", {1, 3, read_clip}},
      {"Add", {2, 2, always(Binary{BinaryKind::Add})}},
      {"Sub", {2, 2, always(Binary{BinaryKind::Subtract})}},
      {"Mul", {2, 2, always(Binary{BinaryKind::Multiply})}},
      {"Div", {2, 2, always(Binary{BinaryKind::Divide})}},
      {"Pow", {2, 2, always(Binary{BinaryKind::Power})}},
      {"Min", {2, 2, always(Binary{BinaryKind::Minimum})}},
      {"Max", {2, 2, always(Binary{BinaryKind::Maximum})}},
      {"PRelu", {2, 2, always(Binary{BinaryKind::PRelu})}},
      {"Softmax",
       {1, 1,
        [](A a) -> R {
          const bool flattens = a.opset() < 13;
          return Softmax{a.integer("axis", flattens ? 1 : -1), flattens};
        }}},
      {"ReduceMean", {1, 2, reduce(ReduceKind::Mean)}},
      {"ReduceSum", {1, 2, reduce(ReduceKind::Sum)}},
      {"ReduceMax", {1, 2, reduce(ReduceKind::Max)}},
      {"ReduceMin", {1, 2, reduce(ReduceKind::Min)}},
      {"ReduceProd", {1, 2, reduce(ReduceKind::Product)}},
      {"ReduceL2", {1, 2, reduce(ReduceKind::L2)}},
      {"ReduceSumSquare", {1, 2, reduce(ReduceKind::SumOfSquares)}},
      {"Transpose",
       {1, 1, [](A a) -> R { return Transpose{a.integers("perm").value_or(Shape{})}; }}},
      {"Concat", {1, 1 << 16, [](A a) -> R { return Concat{a.integer("axis", 0)}; }}},
      {"Slice", {1, 5, read_slice}},
      {"Split",
       {1, 2,
        [](A a) -> R {
          return Split{a.integer("axis", 0), a.integers("split")};
        }}},
      {"Gather", {2, 2, [](A a) -> R { return Gather{a.integer("axis", 0)}; }}},
      {"Pad", {1, 3, read_pad}},
      {"Expand", {2, 2, always(Expand{})}},
      {"Reshape", {2, 2, [](A a) -> R { return Reshape{a.integer("allowzero", 0) != 0}; }}},
      {"Flatten", {1, 1, [](A a) -> R { return Flatten{a.integer("axis", 1)}; }}},
      {"Squeeze", {1, 2, [](A a) -> R { return Squeeze{a.integers("axes")}; }}},
      {"Unsqueeze", {1, 2, [](A a) -> R { return Unsqueeze{a.integers("axes")}; }}},
      {"Identity", {1, 1, always(Identity{})}},
      {"Dropout", {1, 3, always(Identity{})}},
      {"Cast", {1, 1, read_cast}},
      {"Shape",
       {1, 1,
        [](A a) -> R {
          ShapeOf shape{a.integer("start", 0), std::nullopt};
          if (a.find("end") != nullptr) shape.end = a.integer("end", 0);
          return shape;
        }}},
      {"ConstantOfShape", {1, 1, read_constant_of_shape}},
      {"QuantizeLinear", {2, 3, always(Quantize{})}},
      {"DequantizeLinear", {2, 3, [](A a) -> R { return Dequantize{a.integer("axis", 1)}; }}},
      {"Resize", {1, 4, read_resize}},
      {"Upsample", {1, 2, read_resize}},
  };
  return known;
}

}  // namespace

Result<Operation> read_operation(const onnx::NodeProto& node, int64_t opset) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") {
    return unsupported(node, "domain " + quoted_name(node.domain()));
  }
  const auto known = known_operators().find(node.op_type());
  if (known == known_operators().end()) return unsupported(node, "not implemented");
  if (node.input_size() < known->second.fewest_inputs ||
      node.input_size() > known->second.most_inputs) {
    return malformed(node, fmt::format("{} inputs", node.input_size()));
  }
  TRY(check_attribute_types(node));
  for (int index = 0; index < node.input_size(); ++index) {
    const bool is_needed = index < known->second.fewest_inputs || node.op_type() == "Concat";
    if (is_needed && node.input(index).empty()) return malformed(node, "an input is left out");
  }
  const bool may_have_several_outputs = node.op_type() == "Split" || node.op_type() == "Dropout" ||
                                        node.op_type() == "MaxPool" ||
                                        node.op_type() == "BatchNormalization";
  if (node.output_size() < 1 || (node.output_size() > 1 && !may_have_several_outputs)) {
    return malformed(node, fmt::format("{} outputs", node.output_size()));
  }
  return known->second.read(Attributes(node, opset));
}

std::vector<std::string> operator_types() {
  std::vector<std::string> types;
  for (const auto& [type, known] : known_operators()) types.push_back(type);
  std::ranges::sort(types);
  return types;
}

}  // namespace faceforge::nn
