// source: TensorFlow's operators of the same names, as TensorFlow.js runs them.
#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "packs/internal/graph_operators.h"

namespace faceforge::packs {
namespace {

constexpr size_t kPartLimit = kPortLimit + 1;

std::vector<GraphValue> known_integers(nn::Shape shape, std::vector<int64_t> numbers) {
  auto integers = std::make_shared<nn::IntegerTensor>();
  integers->shape = shape;
  integers->values = std::move(numbers);
  std::vector<GraphValue> results;
  results.push_back({.shape = std::move(shape), .integers = std::move(integers)});
  return results;
}

int64_t per_picture(const nn::Shape& shape) {
  return std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>());
}

/// Gives a value another shape of as many numbers a picture.
Converted reshaped(const OperatorCall& call, const GraphValue& value, const nn::Shape& shape) {
  if (shape == value.shape) return one_result(call, value.name, shape, value.layout);
  const GraphValue plain = call.writer.in_layout(value, Layout::Plain);
  nn::Shape wanted = shape;
  wanted[0] = 0;  // as it is
  const std::string sizes = call.writer.constant(wanted, call.node.name + "/shape");
  return one_result(call, call.writer.node("Reshape", {plain.name, sizes}, call.node.name), shape,
                    Layout::Plain);
}

/// A known tensor in another shape; -1 is what is left.
Converted reshaped_constant(const OperatorCall& call, const GraphValue& value, nn::Shape shape) {
  const size_t count = value.floats ? value.floats->values.size() : value.integers->values.size();
  if (shape.size() > nn::kMaxRank) return call.unsupported("to {} dimensions", shape.size());
  const auto open = std::ranges::find(shape, -1);
  int64_t product = 1;
  for (const int64_t length : shape) {
    if (length == -1) continue;
    if (length < 1 || std::cmp_greater(length, count)) return call.malformed("to {}", length);
    product *= length;
    if (std::cmp_greater(product, count)) return call.malformed("to more numbers than there are");
  }
  if (open != shape.end()) *open = static_cast<int64_t>(count) / product;
  if (open != shape.end()) product *= *open;
  if (std::ranges::count(shape, -1) > 0 || std::cmp_not_equal(product, count)) {
    return call.malformed("of {} numbers to {}", count, nn::to_string(shape));
  }
  GraphValue result{.shape = shape};
  if (value.floats) {
    result.floats = std::make_shared<nn::Tensor>(nn::Tensor{shape, value.floats->values});
  } else {
    result.integers =
        std::make_shared<nn::IntegerTensor>(nn::IntegerTensor{shape, value.integers->values});
  }
  return std::vector<GraphValue>{std::move(result)};
}

Converted reshape(OperatorCall& call) {
  if (call.inputs.size() != 2) return call.malformed("{} inputs", call.inputs.size());
  const GraphValue& value = call.inputs[0];
  nn::Shape wanted = TRY(call.integers(1));
  if (value.is_known()) return reshaped_constant(call, value, std::move(wanted));
  if (wanted.empty() || wanted.size() > nn::kMaxRank) {
    return call.unsupported("to {} dimensions", wanted.size());
  }
  const int64_t lead = std::exchange(wanted[0], kBatch);
  // One row a picture before and after; else pictures would run into one another.
  bool keeps_batch = lead == kBatchSize || lead == -1 || (lead == 1 && call.is_for_one_picture);
  const int64_t count = per_picture(value.shape);
  int64_t product = 1;
  size_t open = 0;
  for (size_t axis = 1; axis < wanted.size(); ++axis) {
    if (wanted[axis] == -1) {
      keeps_batch = keeps_batch && lead != -1 && open == 0;
      open = axis;
      continue;
    }
    if (wanted[axis] < 1 || wanted[axis] > count / product) {
      return call.unsupported("of {} to a dimension of {}", nn::to_string(value.shape),
                              wanted[axis]);
    }
    product *= wanted[axis];
  }
  if (open != 0) wanted[open] = count / product;
  if (open != 0) product *= wanted[open];
  if (!keeps_batch || product != count) {
    return call.unsupported("of {}: it would move numbers from one picture of a batch to another",
                            nn::to_string(value.shape));
  }
  return reshaped(call, value, wanted);
}

Converted squeeze(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it lacks its input");
  const GraphValue& value = call.inputs[0];
  const auto wanted = TRY(call.node.integers("squeeze_dims", {}));
  std::vector<bool> is_gone(value.rank(), false);
  for (const int64_t axis : wanted) is_gone[TRY(checked_axis(call, axis, value.rank()))] = true;
  nn::Shape shape;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const bool goes = wanted.empty() ? value.shape[axis] == 1 : is_gone[axis];
    if (goes && axis == 0 && !value.is_known()) return call.unsupported("of the batch");
    if (goes && value.shape[axis] != 1) {
      return call.malformed("of a dimension of {}", value.shape[axis]);
    }
    if (!goes) shape.push_back(value.shape[axis]);
  }
  if (value.is_known()) return reshaped_constant(call, value, shape);
  return reshaped(call, value, shape);
}

Converted expand(OperatorCall& call) {
  if (call.inputs.size() != 2) return call.malformed("{} inputs", call.inputs.size());
  const GraphValue& value = call.inputs[0];
  const int64_t wanted = TRY(call.integer(1));
  const size_t axis = TRY(checked_axis(call, wanted, value.rank() + 1));
  nn::Shape shape = value.shape;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  if (value.is_known()) return reshaped_constant(call, value, shape);
  if (axis == 0) return call.unsupported("before the batch");
  if (shape.size() > nn::kMaxRank) return call.unsupported("to {} dimensions", shape.size());
  return reshaped(call, value, shape);
}

Converted transpose(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  const auto order = TRY(call.integers(1));
  std::vector<bool> is_used(value.rank(), false);
  if (order.size() != value.rank()) return call.malformed("an order of {} axes", order.size());
  nn::Shape shape;
  std::vector<int64_t> axes;
  for (const int64_t axis : order) {
    const size_t from = TRY(checked_axis(call, axis, value.rank()));
    if (is_used[from]) return call.malformed("it has axis {} twice", axis);
    is_used[from] = true;
    shape.push_back(value.shape[from]);
    axes.push_back(value.layout == Layout::Picture ? picture_axis(from)
                                                   : static_cast<int64_t>(from));
  }
  if (axes.front() != 0) return call.unsupported("of the batch");
  if (std::ranges::is_sorted(axes)) return one_result(call, value.name, shape, Layout::Plain);
  return one_result(call,
                    call.writer.node("Transpose", {value.name}, call.node.name, {{"perm", axes}}),
                    shape, Layout::Plain);
}

Converted joined_integers(const OperatorCall& call, size_t count) {
  std::vector<int64_t> joined;
  for (size_t position = 0; position < count; ++position) {
    const auto numbers = TRY(call.integers(position));
    joined.insert(joined.end(), numbers.begin(), numbers.end());
  }
  const auto length = static_cast<int64_t>(joined.size());
  return known_integers({length}, std::move(joined));
}

Converted concat(OperatorCall& call) {
  if (call.inputs.size() < 2) return call.malformed("{} inputs", call.inputs.size());
  const size_t count = call.inputs.size() - 1;
  const int64_t wanted_axis = TRY(call.integer(count));
  if (call.inputs[0].integers) return joined_integers(call, count);
  const GraphValue first = TRY(call.moving(0));
  const size_t axis = TRY(checked_axis(call, wanted_axis, first.rank()));
  if (axis == 0) return call.unsupported("over the pictures of a batch");
  bool has_picture = false;
  for (size_t position = 0; position < count; ++position) {
    has_picture = has_picture || call.inputs[position].layout == Layout::Picture;
  }
  nn::Shape shape = first.shape;
  shape[axis] = 0;
  std::vector<std::string> names;
  for (size_t position = 0; position < count; ++position) {
    const GraphValue value = TRY(call.moving(position));
    bool fits = value.rank() == shape.size();
    for (size_t other = 0; fits && other < shape.size(); ++other) {
      fits = other == axis || shape[other] == value.shape[other];
    }
    if (!fits) {
      return call.malformed("of {} and {}", nn::to_string(first.shape), nn::to_string(value.shape));
    }
    shape[axis] += value.shape[axis];
    names.push_back(
        call.writer.in_layout(value, has_picture ? Layout::Picture : Layout::Plain).name);
  }
  const int64_t onnx_axis = has_picture ? picture_axis(axis) : static_cast<int64_t>(axis);
  return one_result(
      call, call.writer.node("Concat", std::move(names), call.node.name, {{"axis", onnx_axis}}),
      shape, has_picture ? Layout::Picture : Layout::Plain);
}

Converted pad(OperatorCall& call) {
  const GraphValue value = TRY(call.moving(0));
  if (call.inputs.size() < 2 || !call.inputs[1].integers ||
      call.inputs[1].shape != nn::Shape{static_cast<int64_t>(value.rank()), 2}) {
    return call.unsupported("borders that are no constant of two numbers a dimension");
  }
  const std::vector<int64_t>& borders = call.inputs[1].integers->values;
  const bool mirrors = call.node.op == "MirrorPad";
  if (mirrors && TRY(call.node.text("mode", "REFLECT")) != "REFLECT") {
    return call.unsupported("mode SYMMETRIC");
  }
  std::vector<int64_t> pads(value.rank() * 2, 0);
  nn::Shape shape = value.shape;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const int64_t before = borders[axis * 2];
    const int64_t after = borders[axis * 2 + 1];
    constexpr int64_t kLimit = 1 << 16;
    const int64_t limit = mirrors && axis > 0 ? value.shape[axis] - 1 : kLimit;
    if (std::min(before, after) < 0 || std::max(before, after) > limit) {
      return call.malformed("borders of {} and {}", before, after);
    }
    if (axis == 0 && before + after > 0) return call.unsupported("of the batch");
    if (axis > 0) shape[axis] += before + after;
    const size_t to =
        value.layout == Layout::Picture ? static_cast<size_t>(picture_axis(axis)) : axis;
    pads[to] = before;
    pads[value.rank() + to] = after;
  }
  std::vector<std::string> inputs{value.name, call.writer.constant(pads, call.node.name + "/pads")};
  if (call.node.op == "PadV2") {
    const nn::Tensor fill = TRY(call.floats(2));
    if (fill.values.size() != 1)
      return call.malformed("{} numbers to pad with", fill.values.size());
    inputs.push_back(call.writer.scalar(fill.values[0], call.node.name + "/fill"));
  }
  const std::string mode = mirrors ? "reflect" : "constant";
  return one_result(call,
                    call.writer.node("Pad", std::move(inputs), call.node.name, {{"mode", mode}}),
                    shape, value.layout);
}

Converted split(OperatorCall& call) {
  const bool has_sizes = call.node.op == "SplitV";
  const GraphValue value = TRY(call.moving(has_sizes ? 0 : 1));
  const int64_t wanted = TRY(call.integer(has_sizes ? 2 : 0));
  const size_t axis = TRY(checked_axis(call, wanted, value.rank()));
  if (axis == 0) return call.unsupported("over the pictures of a batch");
  std::vector<int64_t> sizes;
  // No input can name a part beyond the last port.
  const auto too_many = [&call](auto count) {
    return call.unsupported("in {} parts; the limit is {}", count, kPartLimit);
  };
  if (has_sizes) {
    sizes = TRY(call.integers(1));
    if (sizes.size() > kPartLimit) return too_many(sizes.size());
  } else {
    const int64_t count = TRY(call.node.integer("num_split", 1));
    if (std::cmp_greater(count, kPartLimit)) return too_many(count);
    if (count < 1 || value.shape[axis] % count != 0) {
      return call.malformed("of {} in {} parts", value.shape[axis], count);
    }
    sizes.assign(static_cast<size_t>(count), value.shape[axis] / count);
  }
  int64_t total = 0;
  for (const int64_t size : sizes) {
    if (size < 1 || size > value.shape[axis] - total) return call.malformed("a part of {}", size);
    total += size;
  }
  if (total != value.shape[axis]) return call.malformed("parts of {} in all", total);
  const int64_t onnx_axis =
      value.layout == Layout::Picture ? picture_axis(axis) : static_cast<int64_t>(axis);
  const std::string parts = call.writer.constant(sizes, call.node.name + "/sizes");
  const auto names = call.writer.node("Split", {value.name, parts}, call.node.name,
                                      {{"axis", onnx_axis}}, sizes.size());
  std::vector<GraphValue> results;
  for (size_t index = 0; index < sizes.size(); ++index) {
    nn::Shape shape = value.shape;
    shape[axis] = sizes[index];
    results.push_back({.name = names[index], .shape = shape, .layout = value.layout});
  }
  return results;
}

/// What a strided slice takes of one dimension.
struct Span {
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 1;
  bool is_dropped = false;  ///< one number is taken, and its dimension goes

  [[nodiscard]] int64_t length() const { return (end - start + step - 1) / step; }
};

Result<std::vector<Span>> read_spans(const OperatorCall& call, const nn::Shape& shape) {
  const auto starts = TRY(call.integers(1));
  const auto ends = TRY(call.integers(2));
  const auto steps = TRY(call.integers(3));
  if (starts.size() != ends.size() || ends.size() != steps.size() || starts.size() > shape.size()) {
    return call.malformed("{} starts, {} ends and {} steps of a tensor {}", starts.size(),
                          ends.size(), steps.size(), nn::to_string(shape));
  }
  for (const std::string_view mask : {"ellipsis_mask", "new_axis_mask"}) {
    if (TRY(call.node.integer(mask, 0)) != 0) return call.unsupported("a {}", mask);
  }
  const auto from_first = static_cast<uint64_t>(TRY(call.node.integer("begin_mask", 0)));
  const auto to_last = static_cast<uint64_t>(TRY(call.node.integer("end_mask", 0)));
  const auto dropped = static_cast<uint64_t>(TRY(call.node.integer("shrink_axis_mask", 0)));
  std::vector<Span> spans;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t length = shape[axis] == kBatch ? 1 : shape[axis];
    const auto is_set = [axis](uint64_t mask) { return ((mask >> axis) & 1U) != 0; };
    Span span{.end = length, .is_dropped = is_set(dropped)};
    if (axis < starts.size() && shape[axis] != kBatch) {
      const auto placed = [length](int64_t at) {
        return at < 0 ? std::max(at, -length) + length : std::min(at, length);
      };
      if (steps[axis] < 1) return call.unsupported("steps of {}", steps[axis]);
      span.step = std::min(steps[axis], length);
      if (!is_set(from_first)) span.start = placed(starts[axis]);
      if (!is_set(to_last)) span.end = placed(ends[axis]);
      if (span.is_dropped) span.end = span.start + 1;
      if (span.start >= span.end || span.end > length) {
        return call.malformed("it takes nothing of a dimension of {}", length);
      }
    }
    spans.push_back(span);
  }
  return spans;
}

/// Whether a strided slice of what depends on the input leaves its first dimension alone.
Result<bool> takes_every_picture(const OperatorCall& call) {
  const auto starts = TRY(call.integers(1));
  const auto ends = TRY(call.integers(2));
  const auto steps = TRY(call.integers(3));
  if (starts.empty()) return true;
  const bool from_first = (TRY(call.node.integer("begin_mask", 0)) & 1) != 0 || starts[0] == 0;
  const bool to_last = (TRY(call.node.integer("end_mask", 0)) & 1) != 0 || ends[0] == kBatchSize ||
                       ends[0] >= std::numeric_limits<int32_t>::max() ||
                       (ends[0] == 1 && call.is_for_one_picture);
  return from_first && to_last && steps[0] == 1;
}

Converted slice(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it lacks its input");
  const GraphValue& value = call.inputs[0];
  const auto spans = TRY(read_spans(call, value.shape));
  if (value.is_known()) {
    if (!value.integers || value.rank() != 1) return call.unsupported("of a constant");
    std::vector<int64_t> taken;
    for (int64_t at = spans[0].start; at < spans[0].end; at += spans[0].step) {
      taken.push_back(value.integers->values[static_cast<size_t>(at)]);
    }
    const auto length = static_cast<int64_t>(taken.size());
    return known_integers(spans[0].is_dropped ? nn::Shape{} : nn::Shape{length}, std::move(taken));
  }
  if (spans[0].is_dropped) return call.unsupported("of one picture of a batch");
  if (!TRY(takes_every_picture(call))) return call.unsupported("of some pictures of a batch");
  std::vector<int64_t> starts;
  std::vector<int64_t> stops;
  std::vector<int64_t> axes;
  std::vector<int64_t> steps;
  nn::Shape shape = {kBatch};
  nn::Shape kept = {kBatch};
  for (size_t axis = 1; axis < spans.size(); ++axis) {
    starts.push_back(spans[axis].start);
    stops.push_back(spans[axis].end);
    axes.push_back(value.layout == Layout::Picture ? picture_axis(axis)
                                                   : static_cast<int64_t>(axis));
    steps.push_back(spans[axis].step);
    shape.push_back(spans[axis].length());
    if (!spans[axis].is_dropped) kept.push_back(spans[axis].length());
  }
  const std::string& name = call.node.name;
  const std::string taken = call.writer.node(
      "Slice",
      {value.name, call.writer.constant(starts, name + "/starts"),
       call.writer.constant(stops, name + "/ends"), call.writer.constant(axes, name + "/axes"),
       call.writer.constant(steps, name + "/steps")},
      name);
  const GraphValue whole{.name = taken, .shape = shape, .layout = value.layout};
  return reshaped(call, whole, kept);
}

Converted same(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it lacks its input");
  return std::vector<GraphValue>{call.inputs[0]};
}

/// Numbers that stay what they are: sizes as 32 or 64 bits, floats as floats.
Converted cast(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it lacks its input");
  const json::value* to = call.node.attributes.if_contains("DstT");
  const json::value* type =
      to != nullptr && to->is_object() ? to->as_object().if_contains("type") : nullptr;
  const std::string_view name = type != nullptr && type->is_string()
                                    ? std::string_view(type->as_string())
                                    : std::string_view();
  const bool is_whole = name == "DT_INT32" || name == "DT_INT64";
  if (is_whole == (call.inputs[0].integers != nullptr) && (is_whole || name == "DT_FLOAT")) {
    return std::vector<GraphValue>{call.inputs[0]};
  }
  return call.unsupported("to another kind of number");
}

Converted shape_of(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it lacks its input");
  nn::Shape shape = call.inputs[0].shape;
  if (!call.inputs[0].is_known()) shape[0] = kBatchSize;
  const auto rank = static_cast<int64_t>(shape.size());
  return known_integers({rank}, std::move(shape));
}

Converted pack(OperatorCall& call) {
  if (call.inputs.empty()) return call.malformed("it has no inputs");
  for (const GraphValue& input : call.inputs) {
    if (!input.integers || input.rank() != 0)
      return call.unsupported("of more than single integers");
  }
  return joined_integers(call, call.inputs.size());
}

}  // namespace

const OperatorTable& movement_operators() {
  static const OperatorTable table = {
      {"Reshape", reshape},     {"Squeeze", squeeze},    {"ExpandDims", expand},
      {"Transpose", transpose}, {"ConcatV2", concat},    {"Pad", pad},
      {"PadV2", pad},           {"MirrorPad", pad},      {"Split", split},
      {"SplitV", split},        {"StridedSlice", slice}, {"Identity", same},
      {"StopGradient", same},   {"Cast", cast},          {"Shape", shape_of},
      {"Pack", pack},
  };
  return table;
}

}  // namespace faceforge::packs
