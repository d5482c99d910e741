#include "nn/lowering.h"

#include <algorithm>

#include "base/check.h"
#include "nn/code_room.h"
#include "nn/movement.h"

namespace faceforge::nn {

bool is_reference(std::string_view implementation) {
  return implementation.find("ref") != std::string_view::npos;
}

Result<Lowered> lower(const Graph& graph, std::span<const Shape> input_shapes,
                      const LoadLimits& limits, WeightStore& weights) {
  auto facts = TRY(infer(graph, input_shapes, limits));
  return Lowering(graph, std::move(facts), limits, weights).run();
}

Lowering::Lowering(const Graph& graph, std::vector<Fact> facts, const LoadLimits& limits,
                   WeightStore& weights)
    : graph_(graph),
      facts_(std::move(facts)),
      limits_(limits),
      weights_(weights),
      consumers_(graph.values.size()),
      is_output_(graph.values.size(), false),
      is_absorbed_(graph.nodes.size(), false),
      places_(graph.values.size()),
      is_placed_(graph.values.size(), false) {
  for (const ValueIndex output : graph.output_values)
    is_output_[static_cast<size_t>(output)] = true;
  for (size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    // A node whose results are known needs no operands.
    if (std::ranges::all_of(node.outputs, [&](ValueIndex value) { return is_constant(value); })) {
      is_absorbed_[index] = true;
      continue;
    }
    for (const ValueIndex input : node.inputs) {
      if (input != kNoValue) consumers_[static_cast<size_t>(input)].push_back(index);
    }
  }
}

Result<Lowered> Lowering::run() {
  for (size_t index = 0; index < graph_.input_values.size(); ++index) {
    const ValueIndex value = graph_.input_values[index];
    Operand operand = new_storage(plain_layout(shape(value)));
    lowered_.storages.back().input_index = static_cast<int>(index);
    place(value, operand);
  }
  for (size_t index = 0; index < graph_.nodes.size(); ++index) {
    if (is_absorbed_[index]) continue;
    node_ = &graph_.nodes[index];
    for (const ValueIndex value : node_->outputs) {
      if (element_count(shape(value)) == 0) return mismatch(*node_, "its result is empty");
    }
    require_room_for_code();
    TRY(std::visit(*this, node_->operation));
    finish(graph_.nodes[index]);
  }
  for (const ValueIndex value : graph_.output_values) {
    const Operand from = TRY(plain(value));
    lowered_.outputs.push_back({shape(value), from});
  }
  return std::move(lowered_);
}

Result<Operand> Lowering::located(ValueIndex value) {
  if (const ConstantPtr& constant = fact(value).constant) {
    if (constant->kind != ElementKind::Float) {
      return fail(ErrorCode::Unsupported, "operator_unsupported",
                  "{}: integers where a network computes with floats",
                  node_ == nullptr ? "an output" : to_string(*node_));
    }
    if (element_count(constant->shape) == 0) {
      return fail(ErrorCode::InvalidInput, "shape_mismatch", "{}: an operand is empty",
                  node_ == nullptr ? "an output" : to_string(*node_));
    }
    const Layout layout = plain_layout(constant->shape);
    return Operand{layout, -1, weights_.get(constant, layout, layout)};
  }
  CHECK(is_placed_[static_cast<size_t>(value)]);
  return places_[static_cast<size_t>(value)];
}

Result<Operand> Lowering::plain(ValueIndex value) {
  const Operand operand = TRY(located(value));
  return is_plain(operand.layout) ? operand : reordered(operand, plain_layout(shape(value)));
}

Operand Lowering::in_layout(const Operand& operand, const Layout& layout) {
  return operand.layout == layout ? operand : reordered(operand, layout);
}

Operand Lowering::reordered(const Operand& operand, const Layout& layout) {
  const Operand result = new_storage(layout);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc desc(cpu(), operand.layout, cpu(), layout, attributes);
  emit_primitive(dnnl::reorder(desc), std::string("reorder ") + desc.impl_info_str(),
                 {{DNNL_ARG_FROM, operand}, {DNNL_ARG_TO, result}}, desc.scratchpad_desc());
  return result;
}

Operand Lowering::new_storage(const Layout& layout) {
  lowered_.storages.push_back({.bytes = layout.get_size()});
  pending_uses_.push_back(0);
  return {layout, static_cast<int>(lowered_.storages.size()) - 1, {}};
}

bool Lowering::may_overwrite(ValueIndex value) const {
  if (is_constant(value) || !is_placed_[static_cast<size_t>(value)]) return false;
  const auto storage = static_cast<size_t>(places_[static_cast<size_t>(value)].storage);
  return lowered_.storages[storage].input_index < 0 && pending_uses_[storage] == 1;
}

void Lowering::place(ValueIndex value, const Operand& operand) {
  const auto index = static_cast<size_t>(value);
  places_[index] = operand;
  is_placed_[index] = true;
  // Storage of a weight never counts: only Identity can give a value one, and it is folded.
  pending_uses_[static_cast<size_t>(operand.storage)] +=
      consumers_[index].size() + (is_output_[index] ? 1 : 0);
}

void Lowering::finish(const Node& node) {
  for (const ValueIndex value : node.inputs) {
    if (value == kNoValue || is_constant(value) || !is_placed_[static_cast<size_t>(value)])
      continue;
    --pending_uses_[static_cast<size_t>(places_[static_cast<size_t>(value)].storage)];
  }
}

void Lowering::emit_kernel(std::string implementation, std::vector<Operand> operands,
                           std::function<void(std::span<float* const>)> kernel) {
  lowered_.steps.push_back({.name = node_->name,
                            .implementation = "faceforge:" + std::move(implementation),
                            .primitive = {},
                            .arguments = {},
                            .kernel = std::move(kernel),
                            .operands = std::move(operands)});
}

void Lowering::emit_primitive(const dnnl::primitive& primitive, std::string implementation,
                              std::vector<std::pair<int, Operand>> arguments,
                              const Layout& scratchpad) {
  if (scratchpad.get_size() > 0) {
    arguments.emplace_back(DNNL_ARG_SCRATCHPAD, new_storage(scratchpad));
  }
  lowered_.steps.push_back({.name = node_ == nullptr ? "output" : node_->name,
                            .implementation = std::move(implementation),
                            .primitive = primitive,
                            .arguments = std::move(arguments),
                            .kernel = {},
                            .operands = {}});
}

const Node* Lowering::only_consumer(ValueIndex value) const {
  const auto index = static_cast<size_t>(value);
  if (is_output_[index] || consumers_[index].size() != 1) return nullptr;
  return &graph_.nodes[consumers_[index][0]];
}

Result<void> Lowering::lower_view() {
  const Operand from = TRY(plain(input(0)));
  place(output(), {plain_layout(shape(output())), from.storage, {}});
  return {};
}

Result<void> Lowering::operator()(const Identity&) {
  place(output(), TRY(located(input(0))));
  return {};
}

Result<void> Lowering::operator()(const Cast& cast) {
  if (cast.to != ElementKind::Float) return unsupported(*node_, "of computed floats to integers");
  place(output(), TRY(located(input(0))));
  return {};
}

Result<void> Lowering::lower_movement() {
  const auto movement =
      TRY(plan_movement(*node_, operands_of(*node_, facts_), limits_.elements_per_tensor));
  // Operands that no copy reads are sizes, which the plan has used already.
  std::vector<Operand> operands;
  std::vector<int> slot_of_input(node_->inputs.size(), -1);
  std::vector<StridedCopy> copies = movement.copies;
  for (StridedCopy& copy : copies) {
    int& slot = slot_of_input[copy.operand];
    if (slot < 0) {
      slot = static_cast<int>(operands.size());
      operands.push_back(TRY(plain(input(copy.operand))));
    }
    copy.operand = static_cast<size_t>(slot);
  }
  const size_t first_result = operands.size();
  for (size_t index = 0; index < movement.shapes.size(); ++index) {
    operands.push_back(new_storage(plain_layout(movement.shapes[index])));
  }
  const auto results =
      std::vector(operands.begin() + static_cast<std::ptrdiff_t>(first_result), operands.end());
  const auto fill = movement.fill;
  const int64_t fill_count = element_count(movement.shapes[0]);
  emit_kernel("move", std::move(operands), [=](std::span<float* const> at) {
    if (fill) std::fill_n(at[first_result], fill_count, *fill);
    for (const StridedCopy& copy : copies) {
      copy_strided<float>(copy, at[copy.operand], at[first_result + copy.result]);
    }
  });
  for (size_t index = 0; index < results.size(); ++index) place(output(index), results[index]);
  return {};
}

Result<void> Lowering::operator()(const Transpose&) {
  // A reorder into strides that read row-major once the axes are renamed.
  const auto operands = operands_of(*node_, facts_);
  const auto movement = TRY(plan_movement(*node_, operands, limits_.elements_per_tensor));
  const StridedCopy& copy = movement.copies[0];
  const Shape& from_shape = shape(input(0));
  if (from_shape.empty()) return lower_movement();
  const auto& permutation = std::get<Transpose>(node_->operation).permutation;
  Shape strides(from_shape.size());
  for (size_t axis = 0; axis < from_shape.size(); ++axis) {
    const size_t from_axis = permutation.empty()
                                 ? from_shape.size() - 1 - axis
                                 : TRY(checked_axis(permutation[axis], from_shape.size()));
    strides[from_axis] = copy.to_strides[axis];
  }
  const Operand from = TRY(located(input(0)));
  const Operand moved = in_layout(from, strided_layout(from_shape, strides));
  if (moved.storage < 0) return lower_movement();
  place(output(), {plain_layout(shape(output())), moved.storage, {}});
  return {};
}

Result<bool> Lowering::concat_blocks(const Concat& concat) {
  const Shape& result_shape = shape(output());
  if (result_shape.size() < 3 || TRY(checked_axis(concat.axis, result_shape.size())) != 1) {
    return false;
  }
  std::vector<Operand> operands;
  std::vector<ChannelLayout> layouts;
  for (const ValueIndex value : node_->inputs) {
    if (is_constant(value)) return false;
    const Operand operand = TRY(located(value));
    const auto layout = channel_layout(operand.layout);
    if (!layout || is_plain(operand.layout) || layout->channel_room() != shape(value)[1]) {
      return false;
    }
    operands.push_back(operand);
    layouts.push_back(*layout);
  }
  // Whole blocks of one width follow each other picture by picture, channels-last ones pixel by
  // pixel.
  const bool are_last =
      std::ranges::all_of(layouts, [](const auto& layout) { return layout.block_count == 1; });
  const bool are_blocks = std::ranges::all_of(
      layouts, [&](const auto& layout) { return layout.block == layouts[0].block; });
  const auto result_layout =
      are_blocks ? blocked_layout(result_shape, layouts[0].block) : std::optional<Layout>();
  if (!result_layout && !are_last) return false;
  const Operand result =
      new_storage(result_layout ? *result_layout : channels_last_layout(result_shape));
  operands.push_back(result);
  std::vector<int64_t> pieces;
  for (const ChannelLayout& layout : layouts) {
    pieces.push_back(layout.channel_room() * (result_layout ? layout.pixels : 1));
  }
  const int64_t rounds = result_shape[0] * (result_layout ? 1 : layouts[0].pixels);
  emit_kernel("concat_channels", std::move(operands), [=](std::span<float* const> at) {
    float* to = at.back();
    for (int64_t round = 0; round < rounds; ++round) {
      for (size_t index = 0; index < pieces.size(); ++index) {
        to = std::copy_n(at[index] + round * pieces[index], pieces[index], to);
      }
    }
  });
  place(output(), result);
  return true;
}

Result<void> Lowering::operator()(const Concat& concat) {
  if (TRY(concat_blocks(concat))) return {};
  return lower_movement();
}

}  // namespace faceforge::nn
