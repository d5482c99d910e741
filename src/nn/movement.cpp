#include "nn/movement.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace faceforge::nn {
namespace {

/// A Gather or a border needs one copy an index; more indices than this are no face network.
constexpr size_t kCopyLimit = 1 << 16;

class Planner {
 public:
  Planner(const Node& node, std::span<const Fact> operands) : node_(node), operands_(operands) {}

  Result<Movement> operator()(const Transpose& transpose) {
    const Shape& from = shape(0);
    std::vector<int64_t> permutation = transpose.permutation;
    if (permutation.empty()) {
      permutation.resize(from.size());
      std::iota(permutation.rbegin(), permutation.rend(), 0);
    }
    if (permutation.size() != from.size()) return mismatch(node_, "perm has another length");
    const Shape own = row_major_strides(from);
    std::vector<bool> taken(from.size(), false);
    StridedCopy copy;
    for (const int64_t axis : permutation) {
      const size_t index = TRY(checked_axis(axis, from.size()));
      if (taken[index]) return mismatch(node_, "perm names an axis twice");
      taken[index] = true;
      copy.dimensions.push_back(from[index]);
      copy.from_strides.push_back(own[index]);
    }
    copy.to_strides = row_major_strides(copy.dimensions);
    return Movement{.shapes = {copy.dimensions}, .copies = {copy}, .fill = {}};
  }

  Result<Movement> operator()(const Concat& concat) {
    Shape result = shape(0);
    const size_t axis = TRY(checked_axis(concat.axis, result.size()));
    result[axis] = 0;
    for (size_t index = 0; index < operands_.size(); ++index) {
      Shape other = shape(index);
      if (other.size() != result.size()) return mismatch(node_, "operands differ in rank");
      result[axis] += other[axis];
      other[axis] = result[axis];
      if (other != result) return mismatch(node_, "operands differ beside the axis");
    }
    Movement movement{.shapes = {result}, .copies = {}, .fill = {}};
    const Shape strides = row_major_strides(result);
    int64_t start = 0;
    for (size_t index = 0; index < operands_.size(); ++index) {
      movement.copies.push_back({.operand = index,
                                 .result = 0,
                                 .dimensions = shape(index),
                                 .from_strides = row_major_strides(shape(index)),
                                 .to_strides = strides,
                                 .from_offset = 0,
                                 .to_offset = start * strides[axis]});
      start += shape(index)[axis];
    }
    return movement;
  }

  Result<Movement> operator()(const Slice& slice) {
    const size_t rank = shape(0).size();
    const auto starts = slice.from_attributes ? slice.starts : TRY(integers(1));
    const auto ends = slice.from_attributes ? slice.ends : TRY(integers(2));
    std::vector<int64_t> axes(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
    if (slice.from_attributes && slice.axes) axes = *slice.axes;
    if (!slice.from_attributes && node_.has_input(3)) axes = TRY(integers(3));
    std::vector<int64_t> steps(starts.size(), 1);
    if (!slice.from_attributes && node_.has_input(4)) steps = TRY(integers(4));
    if (ends.size() != starts.size() || axes.size() != starts.size() ||
        steps.size() != starts.size()) {
      return mismatch(node_, "starts, ends, axes and steps differ in length");
    }
    StridedCopy copy;
    copy.dimensions = shape(0);
    copy.from_strides = row_major_strides(shape(0));
    for (size_t index = 0; index < starts.size(); ++index) {
      const size_t axis = TRY(checked_axis(axes[index], rank));
      if (steps[index] == 0) return mismatch(node_, "a step is 0");
      cut(copy, axis, starts[index], ends[index], steps[index]);
    }
    copy.to_strides = row_major_strides(copy.dimensions);
    return Movement{.shapes = {copy.dimensions}, .copies = {copy}, .fill = {}};
  }

  Result<Movement> operator()(const Split& split) {
    const Shape& from = shape(0);
    const size_t axis = TRY(checked_axis(split.axis, from.size()));
    std::vector<int64_t> sizes;
    if (split.sizes) {
      sizes = *split.sizes;
    } else if (node_.has_input(1)) {
      sizes = TRY(integers(1));
    } else {
      const auto count = static_cast<int64_t>(node_.outputs.size());
      if (from[axis] % count != 0) return mismatch(node_, "its axis does not split evenly");
      sizes.assign(node_.outputs.size(), from[axis] / count);
    }
    if (sizes.size() != node_.outputs.size()) return mismatch(node_, "as many sizes as outputs");
    Movement movement;
    const Shape strides = row_major_strides(from);
    int64_t start = 0;
    for (size_t index = 0; index < sizes.size(); ++index) {
      if (sizes[index] < 0 || sizes[index] > from[axis] - start) {
        return mismatch(node_, "its sizes exceed its axis");
      }
      StridedCopy copy;
      copy.result = index;
      copy.dimensions = from;
      copy.from_strides = strides;
      copy.dimensions[axis] = sizes[index];
      copy.to_strides = row_major_strides(copy.dimensions);
      copy.from_offset = start * strides[axis];
      movement.shapes.push_back(copy.dimensions);
      movement.copies.push_back(std::move(copy));
      start += sizes[index];
    }
    if (start != from[axis]) return mismatch(node_, "its sizes do not add up to its axis");
    return movement;
  }

  Result<Movement> operator()(const Gather& gather) {
    const Shape& from = shape(0);
    const size_t axis = TRY(checked_axis(gather.axis, from.size()));
    auto indices = TRY(integers(1));
    if (indices.size() > kCopyLimit) return unsupported(node_, "too many indices");
    for (int64_t& index : indices)
      index = static_cast<int64_t>(TRY(checked_index(index, from[axis])));
    const Shape& index_shape = shape(1);
    Shape result(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(axis));
    result.insert(result.end(), index_shape.begin(), index_shape.end());
    result.insert(result.end(), from.begin() + static_cast<std::ptrdiff_t>(axis) + 1, from.end());
    Shape flat = from;
    flat[axis] = static_cast<int64_t>(indices.size());
    Movement movement{.shapes = {result}, .copies = {}, .fill = {}};
    add_picks(movement, from, flat, axis, indices);
    return movement;
  }

  Result<Movement> operator()(const Pad& pad) {
    const Shape& from = shape(0);
    const size_t rank = from.size();
    const auto pads = pad.pads ? *pad.pads : TRY(integers(1));
    if (pads.size() != 2 * rank) return mismatch(node_, "its pads are not two a dimension");
    float value = pad.value;
    if (!pad.pads && node_.has_input(2)) {
      const auto values = TRY(floats_of(node_, operands_, 2));
      if (values.size() != 1) return mismatch(node_, "its value is no single number");
      value = values[0];
    }
    Shape result = from;
    for (size_t axis = 0; axis < rank; ++axis) {
      constexpr int64_t kPadLimit = 1 << 24;
      if (std::max(pads[axis], pads[rank + axis]) > kPadLimit ||
          std::min(pads[axis], pads[rank + axis]) < -kPadLimit) {
        return mismatch(node_, "a pad is too large");
      }
      result[axis] += pads[axis] + pads[rank + axis];
      if (result[axis] < 0) return mismatch(node_, "its pads cut away more than there is");
    }
    if (pad.mode != PadMode::Constant) return repeat_borders(pad.mode, pads, result);
    Movement movement{.shapes = {result}, .copies = {}, .fill = value};
    StridedCopy copy{.dimensions = from,
                     .from_strides = row_major_strides(from),
                     .to_strides = row_major_strides(result)};
    for (size_t axis = 0; axis < rank; ++axis) {
      const int64_t cut_front = std::max<int64_t>(0, -pads[axis]);
      const int64_t cut_back = std::max<int64_t>(0, -pads[rank + axis]);
      copy.dimensions[axis] = std::max<int64_t>(0, from[axis] - cut_front - cut_back);
      copy.from_offset += cut_front * copy.from_strides[axis];
      copy.to_offset += std::max<int64_t>(0, pads[axis]) * copy.to_strides[axis];
    }
    if (element_count(copy.dimensions) > 0) movement.copies.push_back(copy);
    return movement;
  }

  Result<Movement> operator()(const Expand&) {
    const auto wanted = TRY(integers(1));
    if (wanted.size() > kMaxRank) return mismatch(node_, "too many dimensions");
    for (const int64_t dimension : wanted) {
      if (dimension < 0) return mismatch(node_, "a dimension is negative");
    }
    auto result = broadcast(shape(0), wanted);
    if (!result) return mismatch(node_, result.error().message);
    StridedCopy copy{.dimensions = *result,
                     .from_strides = broadcast_strides(shape(0), *result),
                     .to_strides = row_major_strides(*result)};
    return Movement{.shapes = {*result}, .copies = {copy}, .fill = {}};
  }

  template <typename Other>
  Result<Movement> operator()(const Other&) {
    return unsupported(node_, "is no movement");
  }

 private:
  const Shape& shape(size_t position) const { return operands_[position].shape; }
  Result<std::vector<int64_t>> integers(size_t position) const {
    return integers_of(node_, operands_, position);
  }

  Result<size_t> checked_index(int64_t index, int64_t size) const {
    if (index < -size || index >= size) {
      return mismatch(node_, fmt::format("index {} of an axis of {}", index, size));
    }
    return static_cast<size_t>(index < 0 ? index + size : index);
  }

  /// Narrows one axis of a copy to a range with NumPy's meaning of ends beyond the axis.
  static void cut(StridedCopy& copy, size_t axis, int64_t start, int64_t end, int64_t step) {
    const int64_t size = copy.dimensions[axis];
    const auto from_end = [size](int64_t position) {
      return position < 0 ? position + size : position;
    };
    const int64_t lowest = step > 0 ? 0 : -1;
    const int64_t highest = step > 0 ? size : size - 1;
    const int64_t first = std::clamp<int64_t>(from_end(start), step > 0 ? 0 : -1, highest);
    const int64_t last = std::clamp<int64_t>(from_end(end), lowest, highest);
    const int64_t stride = copy.from_strides[axis];
    // Steps are clamped to the axis: a longer one takes the first element only, as it should.
    const int64_t pace = std::clamp<int64_t>(step, -size - 1, size + 1);
    const int64_t span = pace > 0 ? last - first : first - last;
    const int64_t length = pace == 0 ? 0 : (span + std::abs(pace) - 1) / std::abs(pace);
    copy.dimensions[axis] = std::max<int64_t>(0, length);
    if (copy.dimensions[axis] > 0) copy.from_offset += first * stride;
    copy.from_strides[axis] = stride * pace;
  }

  /// One copy for each slice that `indices` picks along an axis.
  static void add_picks(Movement& movement, const Shape& from, const Shape& to, size_t axis,
                        std::span<const int64_t> indices) {
    const Shape from_strides = row_major_strides(from);
    const Shape to_strides = row_major_strides(to);
    Shape slice = from;
    slice[axis] = 1;
    for (size_t index = 0; index < indices.size(); ++index) {
      movement.copies.push_back({.operand = 0,
                                 .result = 0,
                                 .dimensions = slice,
                                 .from_strides = from_strides,
                                 .to_strides = to_strides,
                                 .from_offset = indices[index] * from_strides[axis],
                                 .to_offset = static_cast<int64_t>(index) * to_strides[axis]});
    }
  }

  /// Reflected and repeated borders, for the one or two axes that face networks pad so.
  Result<Movement> repeat_borders(PadMode mode, std::span<const int64_t> pads,
                                  const Shape& result) const {
    const Shape& from = shape(0);
    const size_t rank = from.size();
    // The sources of each axis' positions; runs that go on in steps of one become one copy.
    std::vector<std::vector<Run>> runs(rank);
    size_t copy_count = 1;
    for (size_t axis = 0; axis < rank; ++axis) {
      if (mode == PadMode::Reflect && result[axis] != from[axis] &&
          (pads[axis] >= from[axis] || pads[rank + axis] >= from[axis])) {
        return mismatch(node_, "a reflected border is wider than the picture");
      }
      if (from[axis] == 0) return mismatch(node_, "nothing to repeat");
      runs[axis] = border_runs(mode, pads[axis], from[axis], result[axis]);
      copy_count *= std::max<size_t>(1, runs[axis].size());
      if (copy_count > kCopyLimit) return unsupported(node_, "borders of this size");
    }
    Movement movement{.shapes = {result}, .copies = {}, .fill = {}};
    if (element_count(result) == 0) return movement;
    const Shape from_strides = row_major_strides(from);
    const Shape to_strides = row_major_strides(result);
    for (size_t number = 0; number < copy_count; ++number) {
      StridedCopy copy{.dimensions = from, .from_strides = from_strides, .to_strides = to_strides};
      size_t rest = number;
      for (size_t axis = 0; axis < rank; ++axis) {
        const Run& run = runs[axis][rest % runs[axis].size()];
        rest /= runs[axis].size();
        copy.dimensions[axis] = run.length;
        copy.from_strides[axis] *= run.step;
        copy.from_offset += run.from * from_strides[axis];
        copy.to_offset += run.to * to_strides[axis];
      }
      movement.copies.push_back(std::move(copy));
    }
    return movement;
  }

  struct Run {
    int64_t from, to, length, step;
  };
  static std::vector<Run> border_runs(PadMode mode, int64_t pad, int64_t size, int64_t result) {
    std::vector<Run> runs;
    const auto source = [&](int64_t position) {
      const int64_t at = position - pad;
      if (mode == PadMode::Edge) return std::clamp<int64_t>(at, 0, size - 1);
      if (at < 0) return -at;
      return at >= size ? 2 * (size - 1) - at : at;
    };
    for (int64_t position = 0; position < result; ++position) {
      const int64_t at = source(position);
      if (!runs.empty()) {
        Run& run = runs.back();
        const int64_t step = at - (run.from + run.step * (run.length - 1));
        if (run.length == 1 && std::abs(step) <= 1) run.step = step;
        if (step == run.step) {
          ++run.length;
          continue;
        }
      }
      runs.push_back({at, position, 1, 0});
    }
    return runs;
  }

  const Node& node_;
  std::span<const Fact> operands_;
};

/// Drops dimensions of one and joins neighbours that are contiguous on both sides.
struct Loops {
  std::array<int64_t, kMaxRank> size{}, from{}, to{};
  size_t count = 0;

  explicit Loops(const StridedCopy& copy) {
    for (size_t axis = 0; axis < copy.dimensions.size(); ++axis) {
      if (copy.dimensions[axis] == 1) continue;
      if (count > 0 && from[count - 1] == copy.from_strides[axis] * copy.dimensions[axis] &&
          to[count - 1] == copy.to_strides[axis] * copy.dimensions[axis]) {
        size[count - 1] *= copy.dimensions[axis];
      } else {
        size[count++] = copy.dimensions[axis];
      }
      from[count - 1] = copy.from_strides[axis];
      to[count - 1] = copy.to_strides[axis];
    }
  }
};

template <typename T>
void copy_loops(const Loops& loops, size_t depth, const T* from, T* to) {
  const int64_t size = loops.size[depth];
  const int64_t from_step = loops.from[depth];
  const int64_t to_step = loops.to[depth];
  if (depth + 1 < loops.count) {
    for (int64_t index = 0; index < size; ++index) {
      copy_loops(loops, depth + 1, from + index * from_step, to + index * to_step);
    }
  } else if (from_step == 1 && to_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(size) * sizeof(T));
  } else {
    for (int64_t index = 0; index < size; ++index) to[index * to_step] = from[index * from_step];
  }
}

}  // namespace

bool is_movement(const Operation& operation) {
  return std::holds_alternative<Transpose>(operation) ||
         std::holds_alternative<Concat>(operation) || std::holds_alternative<Slice>(operation) ||
         std::holds_alternative<Split>(operation) || std::holds_alternative<Gather>(operation) ||
         std::holds_alternative<Pad>(operation) || std::holds_alternative<Expand>(operation);
}

Result<Movement> plan_movement(const Node& node, std::span<const Fact> operands,
                               size_t element_limit) {
  auto movement = TRY(std::visit(Planner(node, operands), node.operation));
  for (const Shape& shape : movement.shapes) TRY(checked_element_count(shape, element_limit));
  return movement;
}

template <typename T>
void copy_strided(const StridedCopy& copy, const T* from, T* to) {
  for (const int64_t dimension : copy.dimensions) {
    if (dimension == 0) return;
  }
  const Loops loops(copy);
  if (loops.count == 0) {
    to[copy.to_offset] = from[copy.from_offset];
  } else {
    copy_loops(loops, 0, from + copy.from_offset, to + copy.to_offset);
  }
}

template void copy_strided<float>(const StridedCopy&, const float*, float*);
template void copy_strided<int64_t>(const StridedCopy&, const int64_t*, int64_t*);

}  // namespace faceforge::nn
