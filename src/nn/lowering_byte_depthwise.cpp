#include <algorithm>

#include "nn/depthwise_bytes.h"
#include "nn/lowering.h"

// Depthwise convolutions on bytes with a kernel of ours: oneDNN's takes a copy of its source with
// a border in memory, and more than twice the time.

namespace faceforge::nn {
namespace {

/// Says nothing of the picture's size, for the weights are kept in one form alone.
bool suits_byte_depthwise(const Conv& conv, const PlacedWindow& window, const Constant& weights) {
  return has_byte_depthwise() && weights.shape.size() == 4 && weights.shape[1] == 1 &&
         weights.shape[0] == conv.group_count && all(window.kernel, 3) &&
         all(window.dilations, 1) && (all(window.strides, 1) || all(window.strides, 2));
}

}  // namespace

Result<Operand> Lowering::arranged_bytes(ValueIndex value, int64_t stride) {
  const ConstantPtr& weights = fact(value).constant;
  const int64_t channels = weights->shape[0];
  const Layout given = plain_layout(weights->shape, dnnl::memory::data_type::s8);
  const Layout form = plain_layout({depthwise_weight_bytes(channels, stride)}, given.data_type());
  const bool is_only_form = consumers_[static_cast<size_t>(value)].size() == 1;
  const auto arrange = [&](const float* numbers, std::span<float> to) {
    arrange_depthwise_weights(channels, stride, reinterpret_cast<const int8_t*>(numbers),
                              {reinterpret_cast<int8_t*>(to.data()), to.size_bytes()});
  };
  const dnnl::memory arranged =
      TRY(weights_.derive(weights, given, form, is_only_form, limits_.weight_bytes, arrange));
  return Operand{form, -1, arranged};
}

Result<bool> Lowering::lower_byte_depthwise(const QuantizedConv& quantized_conv,
                                            const PlacedWindow& window) {
  const ConstantPtr& weights = fact(input(1)).constant;
  if (!suits_byte_depthwise(quantized_conv.conv, window, *weights)) return false;
  const Quantization& from = quantized_conv.source;
  const Operand source = TRY(quantized(input(0), from, {}));
  const Shape& picture = shape(input(0));
  ByteDepthwise plan{.batch = picture[0],
                     .channels = picture[1],
                     .picture = sides(std::span(picture).subspan(2)),
                     .result = sides(window.result),
                     .pads = sides(window.pads_begin),
                     .stride = window.strides[0],
                     .source_zero = static_cast<uint8_t>(from.zero)};
  Tail tail = find_tail(output());
  if (tail.sum != nullptr) tail = Tail{.result = output()};
  const auto slopes = end_at_slopes(tail, plan.channels);
  const auto slope = slopes.value_or(std::vector<float>(static_cast<size_t>(plan.channels), 1.0F));
  const bool grows = std::ranges::all_of(slope, [](float each) { return each >= 0; });
  if (grows && halves_depthwise(plan.channels, plan.stride)) TRY(end_at_halving(tail));
  plan.halves = tail.halving != nullptr;

  const auto wanted = bytes_wanted(tail.result);
  const float unit = wanted ? wanted->scale : 1.0F;
  const std::vector<float>& bias = fact(input(2)).constant->floats;
  std::vector<float> scale, shift;
  for (size_t channel = 0; channel < bias.size(); ++channel) {
    scale.push_back(from.scale * quantized_conv.weight_scales[channel] / unit);
    shift.push_back(bias[channel] * scale[channel]);
  }
  plan.scale = arranged_channels(scale, plan.stride);
  plan.shift = arranged_channels(shift, plan.stride);
  plan.slope = arranged_channels(slope, plan.stride);
  if (wanted) plan.result_zero = static_cast<uint8_t>(wanted->zero);
  const auto type = wanted ? dnnl::memory::data_type::u8 : dnnl::memory::data_type::f32;
  const Operand ready_weights = TRY(arranged_bytes(input(1), plan.stride));
  const Operand result = new_storage(channels_last_layout(shape(tail.result), type));
  emit_kernel("depthwise_bytes", {source, ready_weights, result},
              [plan = std::move(plan), is_bytes = wanted.has_value()](std::span<float* const> at) {
                const auto* bytes = reinterpret_cast<const uint8_t*>(at[0]);
                const auto* arranged = reinterpret_cast<const int8_t*>(at[1]);
                if (is_bytes) {
                  convolve_depthwise(plan, bytes, arranged, reinterpret_cast<uint8_t*>(at[2]));
                } else {
                  convolve_depthwise(plan, bytes, arranged, at[2]);
                }
              });
  absorb(tail);
  place(tail.result, result);
  if (wanted) quantized_places_.push_back({tail.result, *wanted, {}, result});
  return true;
}

}  // namespace faceforge::nn
