#include <algorithm>

#include <omp.h>

#include "nn/grouped.h"
#include "nn/lowering.h"
#include "nn/processor.h"
#include "nn/winograd.h"

// Convolutions that kernels of ours compute faster than oneDNN's.

namespace faceforge::nn {
namespace {

/// Channels of a group for which our kernel was measured against oneDNN's.
constexpr int64_t kMeasuredGroup = 2;

bool is_three_by_three(const Conv& conv, const PlacedWindow& window) {
  const auto all = [](const Shape& sizes, int64_t size) { return sizes == Shape{size, size}; };
  return conv.group_count == 1 && all(window.kernel, 3) && all(window.strides, 1) &&
         all(window.dilations, 1);
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
  const auto all = [](const Shape& sizes, int64_t size) { return sizes == Shape{size, size}; };
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
  int64_t channel_room = 1;  ///< of the result, for biases and slopes
  int64_t weight_count = 0;
  int64_t scratch_count = 0;
  bool can_halve = false;
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
  Tail tail = find_tail(output());
  auto slopes = end_at_slopes(tail, own.channel_room);
  if (own.can_halve) TRY(end_at_halving(tail));

  const Operand source =
      in_layout(TRY(located(input(0))), *blocked_layout(shape(input(0)), own.lanes));
  const Layout form = plain_layout({own.weight_count});
  const bool is_only_form = consumers_[static_cast<size_t>(input(1))].size() == 1;
  const dnnl::memory arranged =
      TRY(weights_.derive(weights, plain_layout(weights->shape), form, is_only_form,
                          limits_.weight_bytes, own.arrange));
  const Operand kernels{form, -1, arranged};
  const Operand result =
      TRY(result_of(tail, *blocked_layout(shape(tail.result), own.lanes), source));
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
  return {};
}

Result<bool> Lowering::lower_own_conv(const Conv& conv, const ConstantPtr& weights,
                                      const PlacedWindow& window) {
  const auto lanes = vector_lanes();
  const Shape &from = shape(input(0)), &to = shape(output());
  if (!lanes || from.size() != 4) return false;
  if (is_three_by_three(conv, window) && suits_winograd(from[1], to[1], *lanes)) {
    const WinogradPlan plan = winograd_plan({.batch = from[0],
                                             .rows = from[2],
                                             .columns = from[3],
                                             .result_rows = to[2],
                                             .result_columns = to[3],
                                             .pad_top = window.pads_begin[0],
                                             .pad_left = window.pads_begin[1],
                                             .from_channels = from[1],
                                             .to_channels = to[1],
                                             .lanes = *lanes,
                                             .thread_count = omp_get_max_threads()});
    TRY(emit_own_conv({.name = "winograd",
                       .lanes = *lanes,
                       .channel_room = plan.panel_count() * plan.panel(),
                       .weight_count = plan.weight_count(),
                       .scratch_count = winograd_scratch(plan),
                       .can_halve = true,
                       .arrange = [plan](auto... given) { transform_kernels(plan, given...); },
                       .convolve = [plan](auto... given) { nn::convolve(plan, given...); }},
                      weights));
    return true;
  }
  const int64_t group = from[1] / conv.group_count;
  if (group == kMeasuredGroup && conv.group_count > 1 && from[1] == to[1] &&
      from[1] % *lanes == 0) {
    const auto sides = [](const Shape& shape) { return GroupedPlan::Sides{shape[0], shape[1]}; };
    const GroupedPlan plan{.batch = from[0],
                           .channels = from[1],
                           .group = group,
                           .lanes = *lanes,
                           .picture = {from[2], from[3]},
                           .result = {to[2], to[3]},
                           .kernel = sides(window.kernel),
                           .strides = sides(window.strides),
                           .dilations = sides(window.dilations),
                           .pads = sides(window.pads_begin)};
    TRY(emit_own_conv({.name = "grouped",
                       .lanes = *lanes,
                       .channel_room = plan.channels,
                       .weight_count = plan.weight_count(),
                       .arrange = [plan](auto... given) { arrange_group_kernels(plan, given...); },
                       .convolve =
                           [plan](const float* picture, const float* kernels,
                                  const ConvolutionTail& tail, float* /*scratch*/, float* result) {
                             convolve_groups(plan, picture, kernels, tail, result);
                           }},
                      weights));
    return true;
  }
  return false;
}

}  // namespace faceforge::nn
