#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "nn/facts.h"
#include "nn/program.h"

namespace faceforge::nn {

struct QuantizedPictures;

struct Lowered {
  std::vector<Step> steps;
  std::vector<Storage> storages;
  std::vector<ProgramOutput> outputs;
};

/// Turns a graph into steps for inputs of fixed shapes: picks primitives and layouts, fuses
/// activations and residual sums into convolutions, and works in place where a value dies.
///
/// fails: as `infer`; unsupported/operator_unsupported for what no kernel does. Throws dnnl::error.
[[nodiscard]] Result<Lowered> lower(const Graph& graph, std::span<const Shape> input_shapes,
                                    const LoadLimits& limits, WeightStore& weights);

/// The oneDNN form of a function of one number.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha, beta;
};

/// What a convolution computes beside itself: the sum with what lies in its result, then a function
/// of it. Its scratchpad is the caller's.
[[nodiscard]] dnnl::primitive_attr with_post_operations(bool sums,
                                                        const std::optional<Eltwise>& function);

/// Dilations as oneDNN counts them: the pixels between two of a kernel.
[[nodiscard]] Shape less_one(Shape dilations);

/// The state of one lowering; `lower` is its only user.
class Lowering {
 public:
  Lowering(const Graph& graph, std::vector<Fact> facts, const LoadLimits& limits,
           WeightStore& weights);

  Result<Lowered> run();

  // One overload an operator, called with `node_` set.
  Result<void> operator()(const Conv& conv);
  Result<void> operator()(const Pool& pool);
  Result<void> operator()(const GlobalPool& pool);
  Result<void> operator()(const Gemm& gemm);
  Result<void> operator()(const MatMul&);
  Result<void> operator()(const Unary& unary);
  Result<void> operator()(const Binary& binary);
  Result<void> operator()(const BatchNorm& norm);
  Result<void> operator()(const Softmax& softmax);
  Result<void> operator()(const Reduce& reduce);
  Result<void> operator()(const Transpose& transpose);
  Result<void> operator()(const Concat& concat);
  Result<void> operator()(const Slice&) { return lower_movement(); }
  Result<void> operator()(const Split&) { return lower_movement(); }
  Result<void> operator()(const Gather&) { return lower_movement(); }
  Result<void> operator()(const Pad&) { return lower_movement(); }
  Result<void> operator()(const Expand&) { return lower_movement(); }
  Result<void> operator()(const Reshape&) { return lower_view(); }
  Result<void> operator()(const Flatten&) { return lower_view(); }
  Result<void> operator()(const Squeeze&) { return lower_view(); }
  Result<void> operator()(const Unsqueeze&) { return lower_view(); }
  Result<void> operator()(const Identity&);
  Result<void> operator()(const Cast& cast);
  Result<void> operator()(const ShapeOf&) { return unsupported(*node_, "of an unknown shape"); }
  Result<void> operator()(const ConstantOfShape&) {
    return unsupported(*node_, "of an unknown shape");
  }
  Result<void> operator()(const Resize& resize);
  Result<void> operator()(const QuantizedConv& conv);
  Result<void> operator()(const QuantizedGemm& gemm);
  Result<void> operator()(const RoundTrip& round);
  Result<void> operator()(const Quantize&) { return unsupported(*node_, "alone"); }
  Result<void> operator()(const Dequantize&) { return unsupported(*node_, "alone"); }

 private:
  // Values and memory
  ValueIndex input(size_t position) const { return node_->inputs[position]; }
  ValueIndex output(size_t position = 0) const { return node_->outputs[position]; }
  const Fact& fact(ValueIndex value) const { return facts_[static_cast<size_t>(value)]; }
  const Shape& shape(ValueIndex value) const { return fact(value).shape; }
  bool is_constant(ValueIndex value) const { return fact(value).constant != nullptr; }
  Result<Operand> located(ValueIndex value);  ///< as it lies
  Result<Operand> plain(ValueIndex value);    ///< row-major, reordered when it is not
  Operand in_layout(const Operand& operand, const Layout& layout);
  Operand new_storage(const Layout& layout);
  bool may_overwrite(ValueIndex value) const;  ///< dies here, and is in the arena
  void place(ValueIndex value, const Operand& operand);
  void finish(const Node& node);  ///< one use less of each of its inputs

  // Steps
  void emit_kernel(std::string implementation, std::vector<Operand> operands,
                   std::function<void(std::span<float* const>)> kernel);
  void emit_primitive(const dnnl::primitive& primitive, std::string implementation,
                      std::vector<std::pair<int, Operand>> arguments, const Layout& scratchpad);
  Operand reordered(const Operand& operand, const Layout& layout);

  // Convolutions
  /// What follows a convolution and can be computed with it: a residual sum, an activation, or
  /// both.
  struct Tail {
    ValueIndex result = kNoValue;  ///< of the last operator of the tail
    const Node* sum = nullptr;
    ValueIndex residual = kNoValue;
    const Node* activation = nullptr;
    std::optional<Eltwise> function = {};
    const Node* halving = nullptr;  ///< a maximum of each 2 x 2 pixels
  };
  struct ConvShapes;
  Result<ConvShapes> conv_shapes(const Node& node, const Conv& conv) const;
  Tail find_tail(ValueIndex result);
  Tail tail_without_sum();  ///< of the current node
  /// Where a convolution of `source` writes: new memory, or that of the residual it adds to.
  Result<Operand> result_of(const Tail& tail, const Layout& layout, const Operand& source);
  const Node* only_consumer(ValueIndex value) const;
  /// As what lies that the current node's result is joined with, number by number.
  std::optional<Layout> layout_of_partner() const;
  Result<Operand> bias_operand(ValueIndex value);
  void absorb(const Tail& tail);
  /// Convolves with a kernel of ours; out: false where oneDNN's does it.
  Result<bool> lower_own_conv(const Conv& conv, const ConstantPtr& weights,
                              const PlacedWindow& window);
  struct OwnConv;
  OwnConv winograd_conv(const PlacedWindow& window, int64_t lanes) const;
  OwnConv grouped_conv(const PlacedWindow& window, int64_t lanes) const;
  bool is_stem(const Conv& conv, const PlacedWindow& window);
  Result<OwnConv> stem_conv(const PlacedWindow& window, int64_t lanes);
  /// Whether a kernel of ours convolves so many channels, that lie in blocks.
  static bool is_own_in_blocks(const Conv& conv, const PlacedWindow& window, int64_t from_channels,
                               int64_t to_channels);
  /// Whether the first convolution that reads a value reads it pixel by pixel.
  Result<bool> wants_channels_last(ValueIndex value) const;
  Result<void> emit_own_conv(const OwnConv& own, const ConstantPtr& weights);
  /// Makes a tail end where numbers below 0 are scaled, channel by channel, or else before it.
  std::optional<std::vector<float>> end_at_slopes(Tail& tail, int64_t channel_room) const;
  /// Lets a tail go on over a maximum of each 2 x 2 pixels that nothing but it is read by.
  Result<void> end_at_halving(Tail& tail) const;

  // Bytes
  struct ByteConv;
  /// x -> slope of what is below 0, of x * scale + shift; one number a channel.
  struct ChannelFunction {
    std::vector<float> scale, shift, slope;
  };
  using Deferred = ChannelFunction;
  /// How a layer takes the pixels of its source on bytes; empty where it takes all as they are.
  struct ByteForm {
    Shape pads_begin = {}, pads_end = {};  ///< of a border in memory
    Shape steps = {};                      ///< the first of so many rows and columns alone
    bool operator==(const ByteForm&) const = default;
  };
  struct QuantizedPlace {
    ValueIndex value;
    Quantization quantization;
    ByteForm form;
    Operand operand;
  };
  /// Leaves a function of the current node to those who quantize its result, when nobody else
  /// wants it.
  Result<bool> defer(ValueIndex from, const ChannelFunction& function);
  const Deferred* deferred(ValueIndex value) const;
  bool only_bytes_are_wanted(ValueIndex value) const;
  std::optional<Quantization> bytes_wanted(ValueIndex value) const;
  /// What a value is on bytes.
  Result<Operand> quantized(ValueIndex value, const Quantization& quantization,
                            const ByteForm& form);
  const Operand* known_bytes(ValueIndex value, const Quantization& quantization,
                             const ByteForm& form) const;
  Operand with_border(const Operand& bytes, const Quantization& quantization, const ByteForm& form);
  /// What the convolution of the current node would have its source look like for oneDNN.
  ByteForm form_of_source(const Quantization& quantization, const PlacedWindow& window) const;
  void apply_deferred(ValueIndex value, const Quantization& quantization,
                      QuantizedPictures& pictures) const;
  /// Convolves with a kernel of ours; out: false where oneDNN's does it.
  Result<bool> lower_byte_depthwise(const QuantizedConv& conv, const PlacedWindow& window);
  Result<Operand> arranged_bytes(ValueIndex weights, int64_t stride);
  Result<void> emit_byte_conv(const ByteConv& parts, const Tail& tail,
                              const dnnl::convolution_forward::primitive_desc& desc,
                              const Operand& source);

  // Families
  Result<void> lower_movement();
  Result<void> lower_view();
  Result<void> lower_eltwise(dnnl::algorithm algorithm, float alpha, float beta);
  Result<void> lower_inner_product(ValueIndex weights, bool transposed, ValueIndex bias);
  Result<void> lower_matmul(const Layout& a, const Layout& b, float alpha, const Shape& result);
  Result<bool> join_with_channels(const Binary& binary, size_t picture, size_t other);
  Result<bool> join_with_constant(const Binary& binary, ValueIndex picture, ValueIndex other);
  Result<bool> join_same_layout(const Binary& binary);
  Result<void> pool_with_kernel(const Pool& pool, const PlacedWindow& window);
  Result<bool> pool_in_blocks(const Pool& pool, const PlacedWindow& window, const Operand& source);
  Result<bool> concat_blocks(const Concat& concat);

  const Graph& graph_;
  std::vector<Fact> facts_;
  const LoadLimits& limits_;
  WeightStore& weights_;
  Lowered lowered_;
  const Node* node_ = nullptr;
  std::vector<std::vector<size_t>> consumers_;  ///< by value: nodes, once per use
  std::vector<bool> is_output_;                 ///< by value
  std::vector<bool> is_absorbed_;               ///< by node: done as part of another
  std::vector<Operand> places_;                 ///< by value
  std::vector<bool> is_placed_;                 ///< by value
  std::vector<size_t> pending_uses_;            ///< by storage
  std::unordered_map<ValueIndex, Deferred> deferred_;
  std::vector<QuantizedPlace> quantized_places_;
};

[[nodiscard]] std::optional<Eltwise> eltwise_of(const Unary& unary);

/// Whether oneDNN fell back to a kernel that is a hundred times slower than it should be.
[[nodiscard]] bool is_reference(std::string_view implementation);

}  // namespace faceforge::nn
