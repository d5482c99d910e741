#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "nn/kernels_quantize.h"
#include "nn/lowering.h"

// Convolutions and matrices on bytes. Their sources are unsigned bytes, pixel by pixel; their
// results are floats, or at once the bytes that the next of their kind wants.

namespace faceforge::nn {
namespace {

using Type = dnnl::memory::data_type;

std::vector<float> output_scales(const Quantization& source, const std::vector<float>& weights,
                                 float result_scale) {
  std::vector<float> scales;
  for (const float weight : weights) scales.push_back(source.scale * weight / result_scale);
  return scales;
}

const Quantization* source_quantization(const Node& node) {
  if (const auto* conv = std::get_if<QuantizedConv>(&node.operation)) return &conv->source;
  const auto* gemm = std::get_if<QuantizedGemm>(&node.operation);
  return gemm != nullptr ? &gemm->source : nullptr;
}

bool is_none(const Shape& pads) {
  return std::ranges::all_of(pads, [](int64_t pad) { return pad == 0; });
}

}  // namespace

/// What a convolution on bytes is made of, and what follows it.
struct Lowering::ByteConv {
  const QuantizedConv& conv;
  PlacedWindow window;
  Shape weight_shape;
  Layout source;
  Shape pads_begin, pads_end;  ///< of oneDNN's doing; none where the source has a border
  std::optional<Quantization> result_bytes;  ///< when the result is bytes

  dnnl::convolution_forward::primitive_desc description(
      const Layout& result, bool sums, const std::optional<Eltwise>& function) const {
    dnnl::primitive_attr attributes = with_post_operations(sums, function);
    const float result_scale = result_bytes ? result_bytes->scale : 1.0F;
    attributes.set_output_scales(1 << 1,
                                 output_scales(conv.source, conv.weight_scales, result_scale));
    if (result_bytes && result_bytes->zero != 0) {
      attributes.set_zero_points(DNNL_ARG_DST, 0, {DNNL_RUNTIME_S32_VAL});
    }
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source,
        any_layout(weight_shape, Type::s8), plain_layout({result.dims()[1]}), result,
        window.strides, less_one(window.dilations), pads_begin, pads_end);
    return {desc, attributes, cpu()};
  }
};

const Lowering::Deferred* Lowering::deferred(ValueIndex value) const {
  const auto found = deferred_.find(value);
  return found == deferred_.end() ? nullptr : &found->second;
}

bool Lowering::only_bytes_are_wanted(ValueIndex value) const {
  const auto index = static_cast<size_t>(value);
  return !is_output_[index] && !consumers_[index].empty() &&
         std::ranges::all_of(consumers_[index], [&](size_t consumer) {
           return source_quantization(graph_.nodes[consumer]) != nullptr;
         });
}

Result<bool> Lowering::defer(ValueIndex from, const ChannelFunction& function) {
  const Shape& picture = shape(from);
  if (picture.size() != 4 || picture != shape(output()) || !only_bytes_are_wanted(output())) {
    return false;
  }
  const Operand source = TRY(located(from));
  const auto layout = channel_layout(source.layout);
  if (source.storage < 0 || !layout) return false;
  // The same memory under another name: whoever quantizes it applies the function on the way.
  place(output(), source);
  deferred_.emplace(output(), function);
  return true;
}

const Operand* Lowering::known_bytes(ValueIndex value, const Quantization& quantization,
                                     const ByteForm& form) const {
  const auto found = std::ranges::find_if(quantized_places_, [&](const QuantizedPlace& known) {
    return known.value == value && known.quantization == quantization && known.form == form;
  });
  return found == quantized_places_.end() ? nullptr : &found->operand;
}

Operand Lowering::with_border(const Operand& bytes, const Quantization& quantization,
                              const ByteForm& form) {
  const Shape from = bytes.layout.dims();
  const BorderedPictures pictures{.batch = from[0],
                                  .channels = from[1],
                                  .rows = from[2],
                                  .columns = from[3],
                                  .top = form.pads_begin[0],
                                  .left = form.pads_begin[1],
                                  .bottom = form.pads_end[0],
                                  .right = form.pads_end[1],
                                  .border = static_cast<uint8_t>(quantization.zero)};
  const Shape to{from[0], from[1], from[2] + pictures.top + pictures.bottom,
                 from[3] + pictures.left + pictures.right};
  const Operand result = new_storage(channels_last_layout(to, Type::u8));
  emit_kernel("border", {bytes, result}, [pictures](std::span<float* const> at) {
    copy_into_border(pictures, reinterpret_cast<const uint8_t*>(at[0]),
                     reinterpret_cast<uint8_t*>(at[1]));
  });
  return result;
}

Lowering::ByteForm Lowering::form_of_source(const Quantization& quantization,
                                            const PlacedWindow& window) const {
  const bool has_pads = !is_none(window.pads_begin) || !is_none(window.pads_end);
  // A border of zeros is oneDNN's own; one of other bytes must lie in memory.
  if (has_pads) {
    return quantization.zero == 0 ? ByteForm{} : ByteForm{window.pads_begin, window.pads_end, {}};
  }
  const bool skips = window.kernel == Shape{1, 1} && window.strides != Shape{1, 1};
  const bool are_there = known_bytes(input(0), quantization, {}) != nullptr;
  return skips && !are_there ? ByteForm{{}, {}, window.strides} : ByteForm{};
}

Result<Operand> Lowering::quantized(ValueIndex value, const Quantization& quantization,
                                    const ByteForm& form) {
  if (const Operand* known = known_bytes(value, quantization, form)) return *known;
  const Operand* bytes = form.steps.empty() ? known_bytes(value, quantization, {}) : nullptr;
  if (bytes != nullptr) {
    const Operand result = with_border(*bytes, quantization, form);
    quantized_places_.push_back({value, quantization, form, result});
    return result;
  }
  const bool is_picture = shape(value).size() == 4;
  Operand source = TRY(located(value));
  CHECK(source.layout.data_type() == Type::f32);
  auto layout = channel_layout(source.layout);
  if (!layout || !is_picture) {
    source = TRY(plain(value));
    layout = channel_layout(source.layout);
  }
  Shape to = shape(value);
  QuantizedPictures pictures{.from = *layout, .channels = to[1], .zero = quantization.zero};
  if (is_picture) {
    pictures.rows = to[2];
    pictures.columns = to[3];
  }
  if (!form.pads_begin.empty()) {
    pictures.top = form.pads_begin[0];
    pictures.left = form.pads_begin[1];
    pictures.bottom = form.pads_end[0];
    pictures.right = form.pads_end[1];
  }
  if (!form.steps.empty()) {
    pictures.row_step = form.steps[0];
    pictures.column_step = form.steps[1];
  }
  if (is_picture) {
    to[2] = pictures.result_rows();
    to[3] = pictures.result_columns();
  }
  apply_deferred(value, quantization, pictures);
  const Operand result =
      new_storage(is_picture ? channels_last_layout(to, Type::u8) : plain_layout(to, Type::u8));
  emit_kernel("quantize", {source, result},
              [pictures = std::move(pictures)](std::span<float* const> at) {
                quantize_pictures(pictures, at[0], reinterpret_cast<uint8_t*>(at[1]));
              });
  quantized_places_.push_back({value, quantization, form, result});
  return result;
}

void Lowering::apply_deferred(ValueIndex value, const Quantization& quantization,
                              QuantizedPictures& pictures) const {
  const auto room = static_cast<size_t>(pictures.from.channel_room());
  pictures.scale.assign(room, 1 / quantization.scale);
  pictures.shift.assign(room, 0);
  pictures.slope.assign(room, 1);
  const Deferred* function = deferred(value);
  for (size_t channel = 0; function != nullptr && channel < function->scale.size(); ++channel) {
    pictures.scale[channel] = function->scale[channel] / quantization.scale;
    pictures.shift[channel] = function->shift[channel] / quantization.scale;
    pictures.slope[channel] = function->slope[channel];
  }
}

std::optional<Quantization> Lowering::bytes_wanted(ValueIndex value) const {
  if (!only_bytes_are_wanted(value)) return std::nullopt;
  std::optional<Quantization> wanted;
  for (const size_t index : consumers_[static_cast<size_t>(value)]) {
    const Node& consumer = graph_.nodes[index];
    const Quantization& own = *source_quantization(consumer);
    const bool is_conv = std::holds_alternative<QuantizedConv>(consumer.operation);
    if (!is_conv || (wanted && own != *wanted)) return std::nullopt;
    wanted = own;
  }
  return wanted;
}

Result<void> Lowering::operator()(const QuantizedConv& quantized_conv) {
  const Conv& conv = quantized_conv.conv;
  const ConstantPtr& weights = fact(input(1)).constant;
  Window window = conv.window;
  window.kernel.assign(weights->shape.begin() + 2, weights->shape.end());
  const PlacedWindow placed = TRY(nn::place(window, std::span(shape(input(0))).subspan(2), false));
  if (TRY(lower_byte_depthwise(quantized_conv, placed))) return {};
  ByteConv parts{.conv = quantized_conv,
                 .window = placed,
                 .weight_shape = weights->shape,
                 .source = {},
                 .pads_begin = {},
                 .pads_end = {},
                 .result_bytes = {}};
  if (conv.group_count > 1) {
    parts.weight_shape[0] /= conv.group_count;
    parts.weight_shape.insert(parts.weight_shape.begin(), conv.group_count);
  }
  const ByteForm form = form_of_source(quantized_conv.source, placed);
  const Operand source = TRY(quantized(input(0), quantized_conv.source, form));
  parts.source = source.layout;
  if (!form.steps.empty()) parts.window.strides = {1, 1};
  const bool has_border = quantized_conv.source.zero != 0;
  parts.pads_begin = has_border ? Shape(2, 0) : parts.window.pads_begin;
  parts.pads_end = has_border ? Shape(2, 0) : parts.window.pads_end;

  Tail tail = find_tail(output());
  // The scale of a result in bytes comes before the activation: only ReLU and its leaky kin let it.
  const bool is_scalable =
      !tail.function || tail.function->algorithm == dnnl::algorithm::eltwise_relu;
  if (tail.sum == nullptr && is_scalable) parts.result_bytes = bytes_wanted(tail.result);
  const auto describe = [&] {
    const Layout result =
        channels_last_layout(shape(output()), parts.result_bytes ? Type::u8 : Type::f32);
    return parts.description(result, tail.sum != nullptr, tail.function);
  };
  auto desc = describe();
  if (is_reference(desc.impl_info_str())) {
    tail = Tail{.result = output()};
    parts.result_bytes.reset();
    desc = describe();
  }
  return emit_byte_conv(parts, tail, desc, source);
}

Result<void> Lowering::emit_byte_conv(const ByteConv& parts, const Tail& tail,
                                      const dnnl::convolution_forward::primitive_desc& desc,
                                      const Operand& source) {
  const ConstantPtr& weights = fact(input(1)).constant;
  const Operand ready_weights{
      desc.weights_desc(), -1,
      weights_.get(weights, plain_layout(parts.weight_shape, Type::s8), desc.weights_desc())};
  const Operand result = TRY(result_of(tail, desc.dst_desc(), source));
  const Operand bias = TRY(bias_operand(input(2)));
  std::vector<std::pair<int, Operand>> arguments{{DNNL_ARG_SRC, source},
                                                 {DNNL_ARG_WEIGHTS, ready_weights},
                                                 {DNNL_ARG_BIAS, bias},
                                                 {DNNL_ARG_DST, result}};
  if (parts.result_bytes && parts.result_bytes->zero != 0) {
    const Layout one({1}, Type::s32, Shape{1});
    dnnl::memory zero(one, cpu());
    *static_cast<int32_t*>(zero.get_data_handle()) = parts.result_bytes->zero;
    arguments.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST, Operand{one, -1, zero});
  }
  emit_primitive(dnnl::convolution_forward(desc), desc.impl_info_str(), std::move(arguments),
                 desc.scratchpad_desc());
  absorb(tail);
  place(tail.result, result);
  if (parts.result_bytes) {
    quantized_places_.push_back({tail.result, *parts.result_bytes, {}, result});
  }
  return {};
}

Result<void> Lowering::operator()(const QuantizedGemm& gemm) {
  const ConstantPtr& weights = fact(input(1)).constant;
  const Operand source = TRY(quantized(input(0), gemm.source, {}));
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_output_scales(1 << 1, output_scales(gemm.source, gemm.weight_scales, 1));
  const dnnl::inner_product_forward::desc wanted(
      dnnl::prop_kind::forward_inference, source.layout, any_layout(weights->shape, Type::s8),
      plain_layout({weights->shape[0]}), plain_layout(shape(output())));
  const dnnl::inner_product_forward::primitive_desc desc(wanted, attributes, cpu());
  const Operand ready_weights{
      desc.weights_desc(), -1,
      weights_.get(weights, plain_layout(weights->shape, Type::s8), desc.weights_desc())};
  const Operand bias = TRY(bias_operand(input(2)));
  const Operand result = new_storage(desc.dst_desc());
  emit_primitive(dnnl::inner_product_forward(desc), desc.impl_info_str(),
                 {{DNNL_ARG_SRC, source},
                  {DNNL_ARG_WEIGHTS, ready_weights},
                  {DNNL_ARG_BIAS, bias},
                  {DNNL_ARG_DST, result}},
                 desc.scratchpad_desc());
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const RoundTrip& round) {
  Operand source = TRY(located(input(0)));
  if (!channel_layout(source.layout)) source = TRY(plain(input(0)));
  const auto layout = channel_layout(source.layout);
  const int64_t count = layout ? layout->size() : element_count(shape(output()));
  const Operand result = may_overwrite(input(0)) ? source : new_storage(source.layout);
  emit_kernel("round_trip", {source, result},
              [count, quantization = round.quantization](std::span<float* const> at) {
                round_trip(quantization.scale, quantization.zero, count, at[0], at[1]);
              });
  place(output(), result);
  return {};
}

}  // namespace faceforge::nn
