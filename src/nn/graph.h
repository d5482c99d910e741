#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nn/shape.h"
#include "nn/tensor.h"

namespace faceforge::nn {

enum class ElementKind { Float, Integer, Signed8 };

/// A tensor whose numbers are known: a weight, or a size that a graph computes. Every float type
/// of ONNX is widened or narrowed to 32 bits, every integer type and bool to 64, except that signed
/// 8-bit integers, which quantized weights are, stay what they are.
struct Constant {
  Shape shape;
  ElementKind kind = ElementKind::Float;
  std::vector<float> floats = {};
  std::vector<int64_t> integers = {};
  std::vector<int8_t> bytes = {};
};
using ConstantPtr = std::shared_ptr<const Constant>;

/// What a number of a constant takes in memory.
[[nodiscard]] constexpr size_t bytes_each_of(ElementKind kind) {
  return kind == ElementKind::Float     ? sizeof(float)
         : kind == ElementKind::Signed8 ? sizeof(int8_t)
                                        : sizeof(int64_t);
}

// What an operator does, from its attributes. Which of these a node holds says what the node is.

enum class AutoPad { Explicit, SameUpper, SameLower, Valid };

struct Window {
  Shape kernel;  ///< empty for a convolution that leaves it to its weights
  Shape strides;
  Shape dilations;
  Shape pads_begin;
  Shape pads_end;
  AutoPad auto_pad = AutoPad::Explicit;
};

struct Conv {
  Window window;
  int64_t group_count = 1;
};

enum class PoolKind { Max, AverageOfPicture, AverageWithPadding };
struct Pool {
  Window window;
  PoolKind kind = PoolKind::Max;
  bool ceil_mode = false;
};

struct Gemm {
  float alpha = 1;
  float beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
};
struct MatMul {};

enum class UnaryKind {
  Relu,
  LeakyRelu,
  Sigmoid,
  Clip,
  HardSwish,
  HardSigmoid,
  Exp,
  Sqrt,
  Tanh,
  Elu,
  Abs,
  Negate,
  Log,
  Floor,
  Ceil,
};
/// LeakyRelu and Elu: slope alpha. Clip: from alpha to beta. HardSigmoid: alpha x + beta.
struct Unary {
  UnaryKind kind = UnaryKind::Relu;
  float alpha = 0;
  float beta = 0;
};

enum class BinaryKind { Add, Subtract, Multiply, Divide, Power, PRelu, Minimum, Maximum };
struct Binary {
  BinaryKind kind = BinaryKind::Add;
};

struct BatchNorm {
  float epsilon = 1e-5F;
};

struct Softmax {
  int64_t axis = -1;
  bool flattens = false;  ///< before opset 13: over all dimensions from `axis` on
};

enum class ReduceKind { Mean, Sum, Max, Min, L2, SumOfSquares, Product };
struct Reduce {
  ReduceKind kind = ReduceKind::Mean;
  std::optional<std::vector<int64_t>> axes;  ///< the second input's when not here; then all
  bool keep_dimensions = true;
};
/// A mean or maximum over everything behind the channels.
struct GlobalPool {
  ReduceKind kind = ReduceKind::Mean;
};

struct Transpose {
  std::vector<int64_t> permutation;  ///< empty: all axes reversed
};
struct Concat {
  int64_t axis = 0;
};
struct Slice {
  bool from_attributes = false;
  std::vector<int64_t> starts, ends;
  std::optional<std::vector<int64_t>> axes;
};
struct Split {
  int64_t axis = 0;
  std::optional<std::vector<int64_t>> sizes;
};
struct Gather {
  int64_t axis = 0;
};
enum class PadMode { Constant, Reflect, Edge };
struct Pad {
  PadMode mode = PadMode::Constant;
  std::optional<std::vector<int64_t>> pads;
  float value = 0;
};
struct Expand {};

struct Reshape {
  bool zero_is_zero = false;
};
struct Flatten {
  int64_t axis = 1;
};
struct Squeeze {
  std::optional<std::vector<int64_t>> axes;
};
struct Unsqueeze {
  std::optional<std::vector<int64_t>> axes;
};
struct Identity {};
struct Cast {
  ElementKind to = ElementKind::Float;
};
struct ShapeOf {
  int64_t start = 0;
  std::optional<int64_t> end;
};
struct ConstantOfShape {
  ConstantPtr value;
};

enum class ResizeMode { Nearest, Linear };
enum class ResizeCoordinates { HalfPixel, PytorchHalfPixel, AlignCorners, Asymmetric, TfHalfPixel };
enum class NearestMode { RoundPreferFloor, RoundPreferCeil, Floor, Ceil };
struct Resize {
  ResizeMode mode = ResizeMode::Nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::HalfPixel;
  NearestMode nearest = NearestMode::RoundPreferFloor;
  int scales_input = 2;  ///< 1 in Upsample and before opset 11
  std::vector<float> scales = {};
};

/// QuantizeLinear and DequantizeLinear as a file has them, with scale and zero point as operands.
/// None is left once a graph is simplified.
struct Quantize {};
struct Dequantize {
  int64_t axis = 1;
};

/// How floats become 8-bit integers: x is about scale * (q - zero), q in 0 to 255.
struct Quantization {
  float scale = 1;
  int32_t zero = 0;
  bool operator==(const Quantization&) const = default;
};

/// Brings floats to the nearest that 8 bits hold, and saturates.
struct RoundTrip {
  Quantization quantization;
};

/// A convolution that quantizes its first operand and has signed 8-bit weights, of one scale an
/// output channel. Its bias and its result are floats.
struct QuantizedConv {
  Conv conv;
  Quantization source;
  std::vector<float> weight_scales = {};
};
/// As `QuantizedConv`, for a matrix of weights with a row for each output.
struct QuantizedGemm {
  Quantization source;
  std::vector<float> weight_scales = {};
};

using Operation =
    std::variant<Conv, Pool, Gemm, MatMul, Unary, Binary, BatchNorm, Softmax, Reduce, GlobalPool,
                 Transpose, Concat, Slice, Split, Gather, Pad, Expand, Reshape, Flatten, Squeeze,
                 Unsqueeze, Identity, Cast, ShapeOf, ConstantOfShape, Resize, Quantize, Dequantize,
                 RoundTrip, QuantizedConv, QuantizedGemm>;

/// Where a value stands in `Graph::values`. `kNoValue` is an optional operand left out.
using ValueIndex = int32_t;
inline constexpr ValueIndex kNoValue = -1;

struct Node {
  std::string op_type;  ///< as in the file, for messages
  std::string name;
  Operation operation;
  std::vector<ValueIndex> inputs;
  std::vector<ValueIndex> outputs;

  [[nodiscard]] bool has_input(size_t position) const {
    return position < inputs.size() && inputs[position] != kNoValue;
  }
};

struct Value {
  std::string name;
  ConstantPtr constant;  ///< set when its numbers are known without running anything
};

/// A network as its file tells it, without weights' or operators' file formats. Nodes stand in an
/// order in which they can run; every value is made by one node, or is an input, or a constant.
struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<PortInfo> inputs;
  std::vector<ValueIndex> input_values;
  std::vector<PortInfo> outputs;
  std::vector<ValueIndex> output_values;
};

/// A constant whose signed 8-bit integers are widened to 64 bits; any other as it is.
[[nodiscard]] ConstantPtr widened(const ConstantPtr& constant);

/// One number a channel, from a constant that broadcasts over tensors of `rank` dimensions with the
/// channels second; nothing when it varies along anything else. The numbers go on to `room` with
/// `beyond`.
[[nodiscard]] std::optional<std::vector<float>> numbers_by_channel(const Constant& constant,
                                                                   size_t rank, int64_t channels,
                                                                   int64_t room, float beyond);

/// `Conv 'conv_1'`: how messages name a node. Names are foreign: cut to 80 characters.
[[nodiscard]] std::string to_string(const Node& node);

}  // namespace faceforge::nn
