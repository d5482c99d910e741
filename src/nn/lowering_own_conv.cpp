#include <algorithm>

#include <omp.h>

#include "nn/grouped.h"
#include "nn/lowering.h"
#include "nn/processor.h"
#include "nn/stem.h"
#include "nn/winograd.h"

// Convolutions that kernels of ours compute faster than oneDNN's.

namespace faceforge::nn {
namespace {

/// Channels of a group for which our kernel was measured against oneDNN's.
constexpr int64_t kMeasuredGroup = 2;

bool is_three_by_three(const Conv& conv, const PlacedWindow& window) {
  return conv.group_count == 1 && all(window.kernel, 3) && all(window.dilations, 1);
}

bool is_winograd(const Conv& conv, const PlacedWindow& window, int64_t from_channels,
                 int64_t to_channels, int64_t lanes) {
  return is_three_by_three(conv, window) && all(window.strides, 1) &&
         suits_winograd(from_channels, to_channels, lanes);
}

bool is_grouped(const Conv& conv, int64_t from_channels, int64_t to_channels, int64_t lanes) {
  return conv.group_count > 1 && from_channels == to_channels && from_channels % lanes == 0 &&
         from_channels / conv.group_count == kMeasuredGroup;
}

}  // namespace

std::optional<std::vector<float>> Lowering::end_at_slopes(Tail& tail, int64_t channel_room) const {
  if (tail.function && tail.function->algorithm == dnnl::algorithm::eltwise_relu) {
    return std::vector<float>(static_cast<size_t>(channel_room), tail.function->alpha);
  }
  tail.function.reset();
  tail.activation = nullptr;
  tail.result = tail.sum != nullptr ? tail.sum->outputs[0] : output();
  const Node* next = only_consumer(tail.result);
  const auto* binary = next == nullptr ? nullptr : std::get_if<Binary>(&next->operation);
  if (binary == nullptr || binary->kind != BinaryKind::PRelu || next->inputs[0] != tail.result ||
      !is_constant(next->inputs[1])) {
    return std::nullopt;
  }
  const Shape& picture = shape(tail.result);
  const Constant& constant = *fact(next->inputs[1]).constant;
  if (constant.kind != ElementKind::Float || constant.shape.size() > picture.size() ||
      shape(next->outputs[0]) != picture) {
    return std::nullopt;
  }
  auto slopes = numbers_by_channel(constant, picture.size(), picture[1], channel_room, 0.0F);
  if (!slopes) return std::nullopt;
  tail.activation = next;
  tail.result = next->outputs[0];
  return slopes;
}

Result<void> Lowering::end_at_halving(Tail& tail) const {
  const Node* next = tail.sum == nullptr ? only_consumer(tail.result) : nullptr;
  const auto* pool = next == nullptr ? nullptr : std::get_if<Pool>(&next->operation);
  if (pool == nullptr || pool->kind != PoolKind::Max) return {};
  const Shape& picture = shape(tail.result);
  const auto window = TRY(nn::place(pool->window, std::span(picture).subspan(2), pool->ceil_mode));
  const bool are_pairs = all(window.kernel, 2) && all(window.strides, 2) &&
                         all(window.dilations, 1) && all(window.pads_begin, 0) &&
                         picture[2] == 2 * window.result[0] && picture[3] == 2 * window.result[1];
  if (!are_pairs) return {};
  tail.halving = next;
  tail.result = next->outputs[0];
  return {};
}

/// A convolution that a kernel of ours computes.
struct Lowering::OwnConv {
  std::string name;
  int64_t lanes = 1;
  Layout source;
  bool is_channels_last = false;           ///< its result; else in blocks of `lanes`
  std::optional<Quantization> bytes = {};  ///< when its result is bytes, whose channels are last
  int64_t channel_room = 1;                ///< of the result, for biases and slopes
  int64_t weight_count = 0;
  int64_t scratch_count = 0;
  bool can_add = true, can_halve = false;
  /// Whether its weights are convolved by this kernel whatever the size of the picture, so that
  /// they need lie in no other form.
  bool is_always_own = true;

  [[nodiscard]] Layout result(const Shape& shape) const {
    if (bytes) return channels_last_layout(shape, dnnl::memory::data_type::u8);
    return is_channels_last ? channels_last_layout(shape) : *blocked_layout(shape, lanes);
  }

  std::function<void(const float* kernels, std::span<float> to)> arrange;
  std::function<void(const float* from, const float* weights, const ConvolutionTail& tail,
                     float* scratch, float* to)>
      convolve;
};

Result<void> Lowering::emit_own_conv(const OwnConv& own, const ConstantPtr& weights) {
  std::vector<float> bias(static_cast<size_t>(own.channel_room), 0.0F);
  if (node_->has_input(2)) {
    const ConstantPtr& given = fact(input(2)).constant;
    if (!given || given->kind != ElementKind::Float || given->floats.size() > bias.size()) {
      return unsupported(*node_, "its bias is not constant, or not one number a channel");
    }
    std::ranges::copy(given->floats, bias.begin());
  }
  Tail tail = own.can_add ? find_tail(output()) : tail_without_sum();
  auto slopes = end_at_slopes(tail, own.channel_room);
  if (own.can_halve) TRY(end_at_halving(tail));

  const Operand source = in_layout(TRY(located(input(0))), own.source);
  const Layout form = plain_layout({own.weight_count});
  const bool is_only_form =
      own.is_always_own && consumers_[static_cast<size_t>(input(1))].size() == 1;
  const dnnl::memory arranged =
      TRY(weights_.derive(weights, plain_layout(weights->shape), form, is_only_form,
                          limits_.weight_bytes, own.arrange));
  const Operand kernels{form, -1, arranged};
  const Operand result = TRY(result_of(tail, own.result(shape(tail.result)), source));
  const Operand scratch = new_storage(plain_layout({std::max<int64_t>(1, own.scratch_count)}));
  emit_kernel(
      own.name, {source, kernels, scratch, result},
      [convolve = own.convolve, bias = std::move(bias), slopes = std::move(slopes),
       adds = tail.sum != nullptr, halves = tail.halving != nullptr](std::span<float* const> at) {
        const ConvolutionTail end{.bias = bias.data(),
                                  .slopes = slopes ? slopes->data() : nullptr,
                                  .adds_result = adds,
                                  .halves = halves};
        convolve(at[0], at[1], end, at[2], at[3]);
      });
  absorb(tail);
  place(tail.result, result);
  if (own.bytes) quantized_places_.push_back({tail.result, *own.bytes, {}, result});
  return {};
}

Lowering::Tail Lowering::tail_without_sum() {
  Tail tail = find_tail(output());
  return tail.sum == nullptr ? tail : Tail{.result = output()};
}

bool Lowering::is_own_in_blocks(const Conv& conv, const PlacedWindow& window, int64_t from_channels,
                                int64_t to_channels) {
  const auto lanes = vector_lanes();
  return lanes && (is_winograd(conv, window, from_channels, to_channels, *lanes) ||
                   is_grouped(conv, from_channels, to_channels, *lanes));
}

Lowering::OwnConv Lowering::winograd_conv(const PlacedWindow& window, int64_t lanes) const {
  const Shape &from = shape(input(0)), &to = shape(output());
  const WinogradPlan plan = winograd_plan({.batch = from[0],
                                           .rows = from[2],
                                           .columns = from[3],
                                           .result_rows = to[2],
                                           .result_columns = to[3],
                                           .pad_top = window.pads_begin[0],
                                           .pad_left = window.pads_begin[1],
                                           .from_channels = from[1],
                                           .to_channels = to[1],
                                           .lanes = lanes,
                                           .thread_count = omp_get_max_threads(),
                                           .second_cache_bytes = second_cache_bytes()});
  return {.name = "winograd",
          .lanes = lanes,
          .source = *blocked_layout(from, lanes),
          .channel_room = plan.panel_count() * plan.panel(),
          .weight_count = plan.weight_count(),
          .scratch_count = winograd_scratch(plan),
          .can_halve = true,
          .arrange = [plan](auto... given) { transform_kernels(plan, given...); },
          .convolve = [plan](auto... given) { nn::convolve(plan, given...); }};
}

Lowering::OwnConv Lowering::grouped_conv(const PlacedWindow& window, int64_t lanes) const {
  const Shape &from = shape(input(0)), &to = shape(output());
  const GroupedPlan plan{.batch = from[0],
                         .channels = from[1],
                         .group = kMeasuredGroup,
                         .lanes = lanes,
                         .picture = {from[2], from[3]},
                         .result = {to[2], to[3]},
                         .kernel = sides(window.kernel),
                         .strides = sides(window.strides),
                         .dilations = sides(window.dilations),
                         .pads = sides(window.pads_begin)};
  return {
      .name = "grouped",
      .lanes = lanes,
      .source = *blocked_layout(from, lanes),
      .channel_room = plan.channels,
      .weight_count = plan.weight_count(),
      .arrange = [plan](auto... given) { arrange_group_kernels(plan, given...); },
      .convolve = [plan](const float* picture, const float* kernels, const ConvolutionTail& tail,
                         float* /*scratch*/,
                         float* result) { convolve_groups(plan, picture, kernels, tail, result); }};
}

Result<Lowering::OwnConv> Lowering::stem_conv(const PlacedWindow& window, int64_t lanes) {
  const Shape &from = shape(input(0)), &to = shape(output());
  Tail tail = tail_without_sum();
  end_at_slopes(tail, to[1]);
  // Without AVX-512, making bytes of vectors takes as long as the convolution.
  const auto bytes = lanes == 16 ? bytes_wanted(tail.result) : std::nullopt;
  const bool is_channels_last = bytes || TRY(wants_channels_last(tail.result));
  const StemPlan plan{.batch = from[0],
                      .from_channels = from[1],
                      .to_channels = to[1],
                      .lanes = lanes,
                      .picture = {from[2], from[3]},
                      .result = {to[2], to[3]},
                      .strides = sides(window.strides),
                      .pads = sides(window.pads_begin),
                      .is_channels_last = is_channels_last,
                      .bytes = bytes.value_or(Quantization{})};
  return OwnConv{
      .name = bytes ? "stem_to_bytes" : "stem",
      .lanes = lanes,
      .source = plain_layout(from),
      .is_channels_last = plan.is_channels_last,
      .bytes = bytes,
      .channel_room = plan.vector_count() * lanes,
      .weight_count = plan.weight_count(),
      .can_add = false,
      .is_always_own = false,
      .arrange = [plan](auto... given) { arrange_stem_kernels(plan, given...); },
      .convolve =
          [plan, makes_bytes = bytes.has_value()](const float* picture, const float* kernels,
                                                  const ConvolutionTail& end, float* /*scratch*/,
                                                  float* result) {
            if (makes_bytes) {
              convolve_stem(plan, picture, kernels, end, reinterpret_cast<uint8_t*>(result));
            } else {
              convolve_stem(plan, picture, kernels, end, result);
            }
          }};
}

bool Lowering::is_stem(const Conv& conv, const PlacedWindow& window) {
  const auto located_at = places_[static_cast<size_t>(input(0))];
  const auto function = find_tail(output()).function;
  return is_three_by_three(conv, window) && suits_stem(shape(input(0))[1], window.strides[1]) &&
         !is_constant(input(0)) && is_plain(located_at.layout) &&
         (!function || function->algorithm == dnnl::algorithm::eltwise_relu);
}

Result<bool> Lowering::lower_own_conv(const Conv& conv, const ConstantPtr& weights,
                                      const PlacedWindow& window) {
  const auto lanes = vector_lanes();
  const Shape &from = shape(input(0)), &to = shape(output());
  if (!lanes || from.size() != 4) return false;
  if (is_winograd(conv, window, from[1], to[1], *lanes)) {
    TRY(emit_own_conv(winograd_conv(window, *lanes), weights));
    return true;
  }
  if (is_grouped(conv, from[1], to[1], *lanes)) {
    TRY(emit_own_conv(grouped_conv(window, *lanes), weights));
    return true;
  }
  if (is_stem(conv, window)) {
    const OwnConv stem = TRY(stem_conv(window, *lanes));
    TRY(emit_own_conv(stem, weights));
    return true;
  }
  return false;
}

}  // namespace faceforge::nn
