#include <algorithm>

#include "nn/lowering.h"

// Convolutions, pooling and matrices: what oneDNN is for.

namespace faceforge::nn {
namespace {

/// Makes a primitive description, or nothing when oneDNN has no kernel for what is asked.
template <typename Make>
auto try_make(Make&& make) -> std::optional<decltype(make())> {
  try {
    return make();
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented && error.status != dnnl_invalid_arguments) throw;
    return std::nullopt;
  }
}

}  // namespace

dnnl::primitive_attr with_post_operations(bool sums, const std::optional<Eltwise>& function) {
  dnnl::post_ops operations;
  if (sums) operations.append_sum(1.0F);
  if (function) {
    operations.append_eltwise(1.0F, function->algorithm, function->alpha, function->beta);
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(operations);
  return attributes;
}

Shape less_one(Shape dilations) {
  for (int64_t& dilation : dilations) --dilation;
  return dilations;
}

struct Lowering::ConvShapes {
  Layout source, weights, bias, result;
  PlacedWindow window;

  dnnl::convolution_forward::primitive_desc description(
      bool sums, const std::optional<Eltwise>& function) const {
    // oneDNN 2.6 has Winograd's way for AVX-512 alone, and not in blocks of channels: see
    // winograd.h.
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source, weights,
        bias, result, window.strides, less_one(window.dilations), window.pads_begin,
        window.pads_end);
    return {desc, with_post_operations(sums, function), cpu()};
  }
};

Result<Operand> Lowering::result_of(const Tail& tail, const Layout& layout, const Operand& source) {
  if (tail.sum == nullptr) return new_storage(layout);
  // A sum adds to what its result's memory holds: the residual, moved there unless it dies here.
  const Operand residual = TRY(located(tail.residual));
  const bool in_place = may_overwrite(tail.residual) && residual.layout == layout &&
                        residual.storage != source.storage;
  return in_place ? residual : reordered(residual, layout);
}

Lowering::Tail Lowering::find_tail(ValueIndex result) {
  Tail tail{.result = result};
  if (const Node* next = only_consumer(result)) {
    const auto* binary = std::get_if<Binary>(&next->operation);
    if (binary != nullptr && binary->kind == BinaryKind::Add) {
      const ValueIndex other = next->inputs[0] == result ? next->inputs[1] : next->inputs[0];
      const bool is_ready = !is_constant(other) && is_placed_[static_cast<size_t>(other)];
      if (is_ready && other != result && shape(other) == shape(result)) {
        tail.sum = next;
        tail.residual = other;
        tail.result = next->outputs[0];
      }
    }
  }
  if (const Node* next = only_consumer(tail.result)) {
    if (const auto* unary = std::get_if<Unary>(&next->operation)) {
      const auto bound = with_bounds(*next, *unary, operands_of(*next, facts_));
      const auto function = bound ? eltwise_of(*bound) : std::nullopt;
      if (function) {
        tail.activation = next;
        tail.function = function;
        tail.result = next->outputs[0];
      }
    }
  }
  return tail;
}

Result<Operand> Lowering::bias_operand(ValueIndex value) {
  const ConstantPtr& constant = fact(value).constant;
  if (!constant || constant->kind != ElementKind::Float) {
    return unsupported(*node_, "its bias is not constant");
  }
  const Layout layout = plain_layout({element_count(constant->shape)});
  return Operand{layout, -1, weights_.get(constant, layout, layout)};
}

Result<Lowering::ConvShapes> Lowering::conv_shapes(const Node& node, const Conv& conv) const {
  const ConstantPtr& weights = fact(node.inputs[1]).constant;
  if (!weights || weights->kind != ElementKind::Float) {
    return unsupported(node, "its weights are not constant");
  }
  Shape weight_shape = weights->shape;
  if (conv.group_count > 1) {
    weight_shape[0] /= conv.group_count;
    weight_shape.insert(weight_shape.begin(), conv.group_count);
  }
  Window window = conv.window;
  window.kernel.assign(weights->shape.begin() + 2, weights->shape.end());
  const Shape& picture = shape(node.inputs[0]);
  auto placed = TRY(nn::place(window, std::span(picture).subspan(2), false));
  return ConvShapes{.source = any_layout(picture),
                    .weights = any_layout(weight_shape),
                    .bias = node.has_input(2) ? plain_layout(shape(node.inputs[2])) : Layout(),
                    .result = any_layout(shape(node.outputs[0])),
                    .window = std::move(placed)};
}

Result<bool> Lowering::wants_channels_last(ValueIndex value) const {
  for (const size_t index : consumers_[static_cast<size_t>(value)]) {
    const Node& reader = graph_.nodes[index];
    const auto* conv = std::get_if<Conv>(&reader.operation);
    if (conv == nullptr || reader.inputs[0] != value) continue;
    const ConvShapes shapes = TRY(conv_shapes(reader, *conv));
    const Shape& picture = shape(value);
    return !is_own_in_blocks(*conv, shapes.window, picture[1], shape(reader.outputs[0])[1]) &&
           shapes.description(false, std::nullopt).src_desc() == channels_last_layout(picture);
  }
  return false;
}

Result<void> Lowering::operator()(const Conv& conv) {
  const ConvShapes shapes = TRY(conv_shapes(*node_, conv));
  const ConstantPtr& weights = fact(input(1)).constant;
  if (TRY(lower_own_conv(conv, weights, shapes.window))) return {};
  // oneDNN derives the result's size from the pads; a stride may leave some of the border unread.
  Tail tail = find_tail(output());
  auto desc = shapes.description(tail.sum != nullptr, tail.function);
  if (tail.function && is_reference(desc.impl_info_str())) {
    const auto without = shapes.description(tail.sum != nullptr, std::nullopt);
    if (!is_reference(without.impl_info_str())) {
      desc = without;
      tail.function.reset();
      tail.activation = nullptr;
      tail.result = tail.sum != nullptr ? tail.sum->outputs[0] : output();
    }
  }
  if (tail.sum != nullptr && is_reference(desc.impl_info_str())) {
    const auto without = shapes.description(false, std::nullopt);
    if (!is_reference(without.impl_info_str())) {
      desc = without;
      tail = Tail{.result = output()};
    }
  }

  const Operand source = in_layout(TRY(located(input(0))), desc.src_desc());
  const Operand ready_weights{
      desc.weights_desc(), -1,
      weights_.get(weights, plain_layout(shapes.weights.dims()), desc.weights_desc())};
  const Operand result = TRY(result_of(tail, desc.dst_desc(), source));
  std::vector<std::pair<int, Operand>> arguments{
      {DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, ready_weights}, {DNNL_ARG_DST, result}};
  if (node_->has_input(2)) arguments.emplace_back(DNNL_ARG_BIAS, TRY(bias_operand(input(2))));
  emit_primitive(dnnl::convolution_forward(desc), desc.impl_info_str(), std::move(arguments),
                 desc.scratchpad_desc());
  absorb(tail);
  place(tail.result, result);
  return {};
}

void Lowering::absorb(const Tail& tail) {
  for (const Node* absorbed : {tail.sum, tail.activation, tail.halving}) {
    if (absorbed == nullptr) continue;
    is_absorbed_[static_cast<size_t>(absorbed - graph_.nodes.data())] = true;
    finish(*absorbed);
  }
}

Result<void> Lowering::operator()(const Pool& pool) {
  const Shape& picture = shape(input(0));
  const auto window = TRY(nn::place(pool.window, std::span(picture).subspan(2), pool.ceil_mode));
  bool is_dilated = false, overhangs = false;
  Shape pads_end = window.pads_end;
  for (size_t axis = 0; axis < window.result.size(); ++axis) {
    is_dilated = is_dilated || window.dilations[axis] != 1;
    const int64_t reach = (window.result[axis] - 1) * window.strides[axis] + window.kernel[axis] -
                          picture[2 + axis] - window.pads_begin[axis];
    overhangs = overhangs || reach > pads_end[axis];
    pads_end[axis] = std::max(pads_end[axis], reach);
  }
  // Beyond the pads ONNX counts nothing, oneDNN everything that the window covers.
  if (is_dilated || (overhangs && pool.kind == PoolKind::AverageWithPadding)) {
    return pool_with_kernel(pool, window);
  }
  const auto algorithm = pool.kind == PoolKind::Max ? dnnl::algorithm::pooling_max
                         : pool.kind == PoolKind::AverageWithPadding
                             ? dnnl::algorithm::pooling_avg_include_padding
                             : dnnl::algorithm::pooling_avg_exclude_padding;
  const Operand source = TRY(located(input(0)));
  if (TRY(pool_in_blocks(pool, window, source))) return {};
  const auto made = try_make([&] {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::pooling_forward::desc desc(
        dnnl::prop_kind::forward_inference, algorithm, source.layout, any_layout(shape(output())),
        window.strides, window.kernel, window.pads_begin, pads_end);
    return dnnl::pooling_forward::primitive_desc(desc, attributes, cpu());
  });
  if (!made || is_reference(made->impl_info_str())) return pool_with_kernel(pool, window);
  const Operand result = new_storage(made->dst_desc());
  emit_primitive(dnnl::pooling_forward(*made), made->impl_info_str(),
                 {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, result}}, made->scratchpad_desc());
  place(output(), result);
  return {};
}

/// oneDNN's kernel takes 1.7 times as long for YuNet's and SCRFD's windows of 2x2.
Result<bool> Lowering::pool_in_blocks(const Pool& pool, const PlacedWindow& window,
                                      const Operand& source) {
  const auto layout = channel_layout(source.layout);
  const bool is_in_blocks = layout && (layout->block == 8 || layout->block == 16) &&
                            blocked_layout(shape(input(0)), layout->block) == source.layout;
  if (pool.kind != PoolKind::Max || !is_in_blocks || shape(input(0)).size() != 4) return false;
  PoolPlan plan = plan_pool(pool.kind, window, shape(input(0)));
  plan.plane_count = layout->batch * layout->block_count;
  const Operand result = new_storage(*blocked_layout(shape(output()), layout->block));
  emit_kernel("pool_blocks", {source, result},
              [plan = std::move(plan), block = layout->block](std::span<float* const> at) {
                pool_blocks(plan, block, at[0], at[1]);
              });
  place(output(), result);
  return true;
}

Result<void> Lowering::pool_with_kernel(const Pool& pool, const PlacedWindow& window) {
  const Operand source = TRY(plain(input(0)));
  const Operand result = new_storage(plain_layout(shape(output())));
  emit_kernel("pool", {source, result},
              [plan = plan_pool(pool.kind, window, shape(input(0)))](std::span<float* const> at) {
                pool_plain(plan, at[0], at[1]);
              });
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const Gemm& gemm) {
  const bool has_bias = node_->has_input(2);
  const bool bias_is_row =
      !has_bias || (is_constant(input(2)) && shape(input(2)) == Shape{shape(output())[1]});
  if (is_constant(input(1)) && !gemm.transpose_a && gemm.alpha == 1 && bias_is_row &&
      (!has_bias || gemm.beta == 1)) {
    return lower_inner_product(input(1), gemm.transpose_b, has_bias ? input(2) : kNoValue);
  }
  const auto matrix = [&](ValueIndex value, bool transposed) {
    const Shape& own = shape(value);
    return transposed ? strided_layout({own[1], own[0]}, {1, own[1]}) : plain_layout(own);
  };
  const Shape result_shape = shape(output());
  TRY(lower_matmul(matrix(input(0), gemm.transpose_a), matrix(input(1), gemm.transpose_b),
                   gemm.alpha, result_shape));
  if (!has_bias) return {};
  const Operand result = places_[static_cast<size_t>(output())];
  const Operand bias = TRY(plain(input(2)));
  const Shape own = row_major_strides(result_shape);
  const Shape strides = broadcast_strides(shape(input(2)), result_shape);
  emit_kernel("add_bias", {bias, result}, [=, beta = gemm.beta](std::span<float* const> at) {
    for (int64_t row = 0; row < result_shape[0]; ++row) {
      for (int64_t column = 0; column < result_shape[1]; ++column) {
        at[1][row * own[0] + column] += beta * at[0][row * strides[0] + column * strides[1]];
      }
    }
  });
  return {};
}

Result<void> Lowering::lower_inner_product(ValueIndex weights, bool transposed, ValueIndex bias) {
  const ConstantPtr& constant = fact(weights).constant;
  if (constant->kind != ElementKind::Float) return unsupported(*node_, "its weights are integers");
  const Shape& source_shape = shape(input(0));
  const int64_t columns = shape(output()).back();
  const Shape weight_shape{columns, source_shape.back()};
  const Layout stored =
      transposed ? plain_layout(weight_shape) : strided_layout(weight_shape, Shape{1, columns});
  const Operand source = TRY(plain(input(0)));
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto describe = [&](int64_t batch, const Layout& matrix) {
    const dnnl::inner_product_forward::desc wanted(
        dnnl::prop_kind::forward_inference, plain_layout({batch, weight_shape[1]}), matrix,
        bias == kNoValue ? Layout() : plain_layout({columns}), plain_layout({batch, columns}));
    return dnnl::inner_product_forward::primitive_desc(wanted, attributes, cpu());
  };
  // The layout that suits one picture, for every batch: the weights are in memory once.
  const Layout for_one = describe(1, any_layout(weight_shape)).weights_desc();
  const auto same = try_make([&] { return describe(source_shape[0], for_one); });
  const bool is_fast = same && !is_reference(same->impl_info_str());
  const auto desc = is_fast ? *same : describe(source_shape[0], any_layout(weight_shape));
  const Operand result = new_storage(desc.dst_desc());
  std::vector<std::pair<int, Operand>> arguments{
      {DNNL_ARG_SRC, source},
      {DNNL_ARG_WEIGHTS,
       {desc.weights_desc(), -1, weights_.get(constant, stored, desc.weights_desc())}},
      {DNNL_ARG_DST, result}};
  if (bias != kNoValue) arguments.emplace_back(DNNL_ARG_BIAS, TRY(bias_operand(bias)));
  emit_primitive(dnnl::inner_product_forward(desc), desc.impl_info_str(), std::move(arguments),
                 desc.scratchpad_desc());
  place(output(), result);
  return {};
}

Result<void> Lowering::operator()(const MatMul&) {
  Shape a = shape(input(0)), b = shape(input(1));
  if (a.size() == 2 && b.size() == 2 && is_constant(input(1))) {
    return lower_inner_product(input(1), false, kNoValue);
  }
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Shape result(rank);
  for (size_t axis = 0; axis + 2 < rank; ++axis) result[axis] = std::max(a[axis], b[axis]);
  result[rank - 2] = a[rank - 2];
  result[rank - 1] = b[rank - 1];
  return lower_matmul(plain_layout(a), plain_layout(b), 1, result);
}

Result<void> Lowering::lower_matmul(const Layout& a, const Layout& b, float alpha,
                                    const Shape& result_shape) {
  Operand left = TRY(plain(input(0)));
  Operand right = TRY(plain(input(1)));
  // The same numbers, seen as the matrices that the operator means.
  left.layout = a;
  right.layout = b;
  const auto as_seen = [](Operand& operand) {
    if (operand.storage >= 0) return;
    operand.weight = dnnl::memory(operand.layout, cpu(), operand.weight.get_data_handle());
  };
  as_seen(left);
  as_seen(right);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (alpha != 1) attributes.set_output_scales(0, {alpha});
  const dnnl::matmul::desc wanted(a, b, plain_layout(result_shape));
  const dnnl::matmul::primitive_desc desc(wanted, attributes, cpu());
  Operand result = new_storage(desc.dst_desc());
  emit_primitive(dnnl::matmul(desc), desc.impl_info_str(),
                 {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, result}},
                 desc.scratchpad_desc());
  result.layout = plain_layout(shape(output()));
  place(output(), result);
  return {};
}

}  // namespace faceforge::nn
