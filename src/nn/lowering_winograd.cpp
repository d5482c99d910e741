#include <algorithm>

#include <omp.h>

#include "nn/lowering.h"
#include "nn/winograd.h"

// Convolutions by small kernels, with fewer multiplications than oneDNN's.

namespace faceforge::nn {
namespace {

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

Result<bool> Lowering::lower_winograd(const Conv& conv, const ConstantPtr& weights,
                                      const PlacedWindow& window) {
  const auto lanes = winograd_lanes();
  const Shape &from = shape(input(0)), &to = shape(output());
  if (!lanes || from.size() != 4 || !is_three_by_three(conv, window) ||
      !suits_winograd(from[1], to[1])) {
    return false;
  }
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
  const int64_t channel_room = plan.panel_count() * plan.panel();
  std::vector<float> bias(static_cast<size_t>(channel_room), 0.0F);
  if (node_->has_input(2)) {
    const ConstantPtr& given = fact(input(2)).constant;
    if (!given || given->kind != ElementKind::Float ||
        static_cast<int64_t>(given->floats.size()) != to[1]) {
      return unsupported(*node_, "its bias is not constant, or not one number a channel");
    }
    std::ranges::copy(given->floats, bias.begin());
  }
  Tail tail = find_tail(output());
  auto slopes = end_at_slopes(tail, channel_room);

  const Operand source = in_layout(TRY(located(input(0))), *blocked_layout(from, *lanes));
  const Layout form = plain_layout({plan.weight_count()});
  const bool is_only_form = consumers_[static_cast<size_t>(input(1))].size() == 1;
  const Operand kernels{form, -1,
                        weights_.derive(weights, plain_layout(weights->shape), form, is_only_form,
                                        [&plan](const float* numbers, std::span<float> made) {
                                          transform_kernels(plan, numbers, made);
                                        })};
  const Operand result = TRY(result_of(tail, *blocked_layout(to, *lanes), source));
  const Operand scratch = new_storage(plain_layout({winograd_scratch(plan)}));
  emit_kernel("winograd", {source, kernels, scratch, result},
              [plan, bias = std::move(bias), slopes = std::move(slopes),
               adds = tail.sum != nullptr](std::span<float* const> at) {
                const WinogradTail end{.bias = bias.data(),
                                       .slopes = slopes ? slopes->data() : nullptr,
                                       .adds_result = adds};
                convolve(plan, at[0], at[1], end, at[2], at[3]);
              });
  absorb(tail);
  place(tail.result, result);
  return true;
}

}  // namespace faceforge::nn
