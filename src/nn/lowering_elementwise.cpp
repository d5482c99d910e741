#include <algorithm>
#include <cmath>

#include "nn/lowering.h"

// What works number by number, channel by channel or pixel by pixel, in the layout that it finds.

namespace faceforge::nn {

std::optional<Eltwise> eltwise_of(const Unary& unary) {
  using dnnl::algorithm;
  switch (unary.kind) {
    case UnaryKind::Relu:
      return Eltwise{algorithm::eltwise_relu, 0, 0};
    case UnaryKind::LeakyRelu:
      return Eltwise{algorithm::eltwise_relu, unary.alpha, 0};
    case UnaryKind::Sigmoid:
      return Eltwise{algorithm::eltwise_logistic, 0, 0};
    case UnaryKind::Clip:
      return Eltwise{algorithm::eltwise_clip, unary.alpha, unary.beta};
    case UnaryKind::HardSwish:
      return Eltwise{algorithm::eltwise_hardswish, 0, 0};
    case UnaryKind::Exp:
      return Eltwise{algorithm::eltwise_exp, 0, 0};
    case UnaryKind::Sqrt:
      return Eltwise{algorithm::eltwise_sqrt, 0, 0};
    case UnaryKind::Tanh:
      return Eltwise{algorithm::eltwise_tanh, 0, 0};
    case UnaryKind::Elu:
      return Eltwise{algorithm::eltwise_elu, unary.alpha, 0};
    case UnaryKind::Abs:
      return Eltwise{algorithm::eltwise_abs, 0, 0};
    case UnaryKind::Log:
      return Eltwise{algorithm::eltwise_log, 0, 0};
    case UnaryKind::HardSigmoid:
    case UnaryKind::Negate:
    case UnaryKind::Floor:
    case UnaryKind::Ceil:
      return std::nullopt;
  }
  return std::nullopt;
}

Result<void> Lowering::operator()(const Unary& given) {
  const Unary unary = TRY(with_bounds(*node_, given, operands_of(*node_, facts_)));
  const bool is_leaky = unary.kind == UnaryKind::LeakyRelu;
  if ((is_leaky || unary.kind == UnaryKind::Relu) && shape(input(0)).size() == 4) {
    const auto count = static_cast<size_t>(shape(input(0))[1]);
    const float slope = is_leaky ? unary.alpha : 0.0F;
    const ChannelFunction function{std::vector<float>(count, 1), std::vector<float>(count, 0),
                                   std::vector<float>(count, slope)};
    if (TRY(defer(input(0), function))) return {};
  }
  if (const auto function = eltwise_of(unary)) {
    return lower_eltwise(function->algorithm, function->alpha, function->beta);
  }
  const Operand source = TRY(plain(input(0)));
  const Operand result = may_overwrite(input(0)) ? source : new_storage(source.layout);
  const int64_t count = element_count(shape(output()));
  emit_kernel("function", {source, result},
              [=](std::span<float* const> at) { apply(unary, count, at[0], at[1]); });
  place(output(), result);
  return {};
}

Result<void> Lowering::lower_eltwise(dnnl::algorithm algorithm, float alpha, float beta) {
  const Operand source = TRY(located(input(0)));
  const Operand result = may_overwrite(input(0)) ? source : new_storage(source.layout);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::eltwise_forward::desc wanted(dnnl::prop_kind::forward_inference, algorithm,
                                           source.layout, alpha, beta);
  const dnnl::eltwise_forward::primitive_desc desc(wanted, attributes, cpu());
  emit_primitive(dnnl::eltwise_forward(desc), desc.impl_info_str(),
                 {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, result}}, desc.scratchpad_desc());
  place(output(), result);
  return {};
}

namespace {

bool commutes(BinaryKind kind) {
  return kind == BinaryKind::Add || kind == BinaryKind::Multiply || kind == BinaryKind::Minimum ||
         kind == BinaryKind::Maximum;
}

std::string kernel_name(BinaryKind kind, std::string_view where) {
  constexpr const char* kNames[] = {"add",   "subtract", "multiply", "divide",
                                    "power", "prelu",    "minimum",  "maximum"};
  return std::string(kNames[static_cast<size_t>(kind)]) + std::string(where);
}

}  // namespace

Result<bool> Lowering::join_with_constant(const Binary& binary, ValueIndex picture,
                                          ValueIndex other) {
  const Shape& picture_shape = shape(picture);
  const Constant& constant = *fact(other).constant;
  if (picture_shape.size() < 2 || constant.shape.size() > picture_shape.size() ||
      constant.kind != ElementKind::Float || picture_shape != shape(output())) {
    return false;
  }
  const Operand source = TRY(located(picture));
  const auto layout = channel_layout(source.layout);
  if (!layout) return false;
  const bool divides = binary.kind == BinaryKind::Divide || binary.kind == BinaryKind::Power;
  auto numbers = numbers_by_channel(constant, picture_shape.size(), picture_shape[1],
                                    layout->channel_room(), divides ? 1.0F : 0.0F);
  if (!numbers) return false;
  if (binary.kind == BinaryKind::PRelu) {
    const auto count = static_cast<size_t>(layout->channel_room());
    const ChannelFunction function{std::vector<float>(count, 1), std::vector<float>(count, 0),
                                   *numbers};
    if (TRY(defer(picture, function))) return true;
  }
  const Operand result = may_overwrite(picture) ? source : new_storage(source.layout);
  emit_kernel(kernel_name(binary.kind, "_channels"), {source, result},
              [kind = binary.kind, layout = *layout,
               numbers = std::move(*numbers)](std::span<float* const> at) {
                join_channels(kind, layout, at[0], numbers.data(), 0, at[1]);
              });
  place(output(), result);
  return true;
}

Result<bool> Lowering::join_with_channels(const Binary& binary, size_t picture, size_t other) {
  const ValueIndex from = input(picture), by = input(other);
  const Shape &from_shape = shape(from), &by_shape = shape(by);
  if (is_constant(from) || from_shape.size() < 3 || by_shape.size() != from_shape.size() ||
      from_shape != shape(output()) || by_shape[1] != from_shape[1]) {
    return false;
  }
  for (size_t axis = 2; axis < by_shape.size(); ++axis) {
    if (by_shape[axis] != 1) return false;
  }
  const Operand source = TRY(located(from));
  const auto layout = channel_layout(source.layout);
  const bool is_padded = layout && layout->channel_room() != from_shape[1];
  const bool keeps_zeros = binary.kind != BinaryKind::Divide && binary.kind != BinaryKind::Power;
  if (!layout || (is_padded && !keeps_zeros)) return false;
  Operand channels = TRY(located(by));
  const auto blocked = blocked_layout(by_shape, layout->block);
  const bool in_blocks = blocked && !is_plain(source.layout) && layout->block != from_shape[1];
  channels = in_blocks ? in_layout(channels, *blocked) : TRY(plain(by));
  const Operand result = may_overwrite(from) ? source : new_storage(source.layout);
  const int64_t step = by_shape[0] == 1 ? 0 : layout->channel_room();
  emit_kernel(kernel_name(binary.kind, "_channels"), {source, channels, result},
              [kind = binary.kind, layout = *layout, step](std::span<float* const> at) {
                join_channels(kind, layout, at[0], at[1], step, at[2]);
              });
  place(output(), result);
  return true;
}

Result<bool> Lowering::join_same_layout(const Binary& binary) {
  const ValueIndex a = input(0), b = input(1);
  if (is_constant(a) || is_constant(b) || shape(a) != shape(b)) return false;
  const Operand left = TRY(located(a));
  const Operand right = TRY(located(b));
  const auto layout = channel_layout(left.layout);
  const bool keeps_zeros = binary.kind != BinaryKind::Divide && binary.kind != BinaryKind::Power;
  const bool is_padded = layout && layout->channel_room() != shape(a)[1];
  if (!layout || (is_padded && !keeps_zeros)) return false;
  const Operand moved = in_layout(right, left.layout);
  const Operand result = may_overwrite(a) ? left
                         : may_overwrite(b) && moved.storage == right.storage
                             ? right
                             : new_storage(left.layout);
  emit_kernel(kernel_name(binary.kind, ""), {left, moved, result},
              [kind = binary.kind, count = layout->size()](std::span<float* const> at) {
                join(kind, count, at[0], at[1], at[2]);
              });
  place(output(), result);
  return true;
}

Result<void> Lowering::operator()(const Binary& binary) {
  const bool swaps = commutes(binary.kind);
  if (!is_constant(input(0)) && is_constant(input(1))) {
    if (TRY(join_with_constant(binary, input(0), input(1)))) return {};
  }
  if (swaps && is_constant(input(0)) && !is_constant(input(1))) {
    if (TRY(join_with_constant(binary, input(1), input(0)))) return {};
  }
  if (TRY(join_same_layout(binary))) return {};
  if (!is_constant(input(1)) && TRY(join_with_channels(binary, 0, 1))) return {};
  if (swaps && !is_constant(input(0)) && TRY(join_with_channels(binary, 1, 0))) return {};
  const Operand left = TRY(plain(input(0)));
  const Operand right = TRY(plain(input(1)));
  const Shape result_shape = shape(output());
  const Operand result = new_storage(plain_layout(result_shape));
  emit_kernel(kernel_name(binary.kind, "_broadcast"), {left, right, result},
              [=, kind = binary.kind, a = broadcast_strides(shape(input(0)), result_shape),
               b = broadcast_strides(shape(input(1)), result_shape)](std::span<float* const> at) {
                join_broadcast(kind, result_shape, a, b, at[0], at[1], at[2]);
              });
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const BatchNorm& norm) {
  const auto operands = operands_of(*node_, facts_);
  const auto scale = TRY(floats_of(*node_, operands, 1));
  const auto bias = TRY(floats_of(*node_, operands, 2));
  const auto mean = TRY(floats_of(*node_, operands, 3));
  const auto variance = TRY(floats_of(*node_, operands, 4));
  Operand source = TRY(located(input(0)));
  auto layout = channel_layout(source.layout);
  if (!layout) {
    source = TRY(plain(input(0)));
    layout = channel_layout(source.layout);
  }
  const auto room = static_cast<size_t>(layout->channel_room());
  std::vector<float> by(room, 0.0F), plus(room, 0.0F);
  for (size_t channel = 0; channel < scale.size(); ++channel) {
    const double factor =
        scale[channel] / std::sqrt(static_cast<double>(variance[channel]) + norm.epsilon);
    by[channel] = static_cast<float>(factor);
    plus[channel] = static_cast<float>(bias[channel] - factor * mean[channel]);
  }
  if (TRY(defer(input(0), {by, plus, std::vector<float>(room, 1)}))) return {};
  const Operand result = may_overwrite(input(0)) ? source : new_storage(source.layout);
  emit_kernel(
      "scale_and_shift", {source, result},
      [layout = *layout, by = std::move(by), plus = std::move(plus)](std::span<float* const> at) {
        scale_and_shift_channels(layout, at[0], by.data(), plus.data(), at[1]);
      });
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const GlobalPool& pool) {
  Operand source = TRY(located(input(0)));
  auto layout = channel_layout(source.layout);
  const Shape& result_shape = shape(output());
  const auto blocked =
      layout ? blocked_layout(result_shape, layout->block) : std::optional<Layout>();
  const bool in_blocks = blocked && !is_plain(source.layout) && layout->block != result_shape[1];
  if (!layout) {
    source = TRY(plain(input(0)));
    layout = channel_layout(source.layout);
  }
  const Operand result = new_storage(in_blocks ? *blocked : plain_layout(result_shape));
  emit_kernel("pool_pixels", {source, result},
              [kind = pool.kind, layout = *layout](std::span<float* const> at) {
                pool_pixels(kind, layout, at[0], at[1]);
              });
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const Softmax& softmax_operation) {
  const Operand source = TRY(plain(input(0)));
  const Operand result = may_overwrite(input(0)) ? source : new_storage(source.layout);
  const Shape& from = shape(input(0));
  int64_t outer = 1, size = 1, inner = 1;
  const auto rank = static_cast<int64_t>(from.size());
  const int64_t axis =
      softmax_operation.axis < 0 ? softmax_operation.axis + rank : softmax_operation.axis;
  for (int64_t index = 0; index < rank; ++index) {
    const int64_t dimension = from[static_cast<size_t>(index)];
    if (index < axis) outer *= dimension;
    if (index == axis || (index > axis && softmax_operation.flattens)) size *= dimension;
    if (index > axis && !softmax_operation.flattens) inner *= dimension;
  }
  emit_kernel("softmax", {source, result},
              [=](std::span<float* const> at) { softmax(outer, size, inner, at[0], at[1]); });
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const Reduce& reduce) {
  const ReducePlan plan = TRY(plan_reduce(*node_, reduce, operands_of(*node_, facts_)));
  const Operand source = TRY(plain(input(0)));
  const Operand result = new_storage(plain_layout(shape(output())));
  const Operand sums = new_storage(plain_layout({plan.result_count * 2}));  // of doubles
  emit_kernel("reduce", {source, sums, result}, [plan](std::span<float* const> at) {
    auto* first = reinterpret_cast<double*>(at[1]);
    reduce_plain(plan, at[0], {first, static_cast<size_t>(plan.result_count)}, at[2]);
  });
  place(output(), result);
  return {};
}

std::optional<Layout> Lowering::layout_of_partner() const {
  const Node* next = only_consumer(output());
  if (next == nullptr || !std::holds_alternative<Binary>(next->operation)) return std::nullopt;
  const ValueIndex other = next->inputs[next->inputs[0] == output() ? 1 : 0];
  const bool is_ready = !is_constant(other) && is_placed_[static_cast<size_t>(other)];
  if (!is_ready || shape(other) != shape(output())) return std::nullopt;
  return places_[static_cast<size_t>(other)].layout;
}

Result<void> Lowering::operator()(const Resize& resize) {
  const Shape& from = shape(input(0));
  const Shape& to = shape(output());
  const auto plan = TRY(plan_resize(*node_, resize, operands_of(*node_, facts_)));
  if (from.size() < 3 || from.size() > 4 || to[0] != from[0] || to[1] != from[1]) {
    return unsupported(*node_, "of anything but the rows and columns of pictures");
  }
  Operand source = TRY(located(input(0)));
  // What it is added to lies as it will: before it grows, moving it costs less than after.
  if (const auto wanted = layout_of_partner()) {
    const auto like = layout_like(*wanted, from);
    if (like && channel_layout(*like)) source = in_layout(source, *like);
  }
  auto layout = channel_layout(source.layout);
  auto result_layout = layout_like(source.layout, to);
  if (!layout || !result_layout || (layout->pixels == 1 && is_plain(source.layout))) {
    source = TRY(plain(input(0)));
    layout = ChannelLayout{.batch = from[0],
                           .block_count = from[1],
                           .pixels = element_count(from) / from[0] / from[1]};
    result_layout = plain_layout(to);
  }
  const int64_t from_rows = from.size() == 4 ? from[2] : 1;
  const int64_t to_rows = from.size() == 4 ? to[2] : 1;
  const float row_scale = from.size() == 4 ? plan.scales[2] : 1.0F;
  const auto rows = plan_resize_axis(resize, from_rows, to_rows, row_scale);
  const auto columns = plan_resize_axis(resize, from.back(), to.back(), plan.scales.back());
  const Operand result = new_storage(*result_layout);
  emit_kernel("resize", {source, result},
              [plan = plan_resize_pictures(rows, columns, *layout, from.back())](
                  std::span<float* const> at) { resize_pictures(plan, at[0], at[1]); });
  place(output(), result);
  return {};
}

}  // namespace faceforge::nn
