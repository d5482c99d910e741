#include "nn/shape.h"

#include <algorithm>

namespace faceforge::nn {

std::string to_string(std::span<const int64_t> shape) {
  std::string text = "[";
  for (const int64_t dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += dimension < 0 ? "?" : std::to_string(dimension);
  }
  return text + "]";
}

Result<size_t> checked_element_count(std::span<const int64_t> shape, size_t limit) {
  if (shape.size() > kMaxRank) {
    return fail(ErrorCode::Corrupt, "tensor_shape", "{} dimensions; the limit is {}", shape.size(),
                kMaxRank);
  }
  size_t count = 1;
  bool too_large = false;
  for (const int64_t dimension : shape) {
    if (dimension < 0) {
      return fail(ErrorCode::Corrupt, "tensor_shape", "a dimension is negative: {}", dimension);
    }
    // A later zero may still make the tensor empty, so the product stays clamped until the end.
    if (__builtin_mul_overflow(count, static_cast<size_t>(dimension), &count)) too_large = true;
    too_large = too_large || static_cast<size_t>(dimension) > limit;
  }
  if (too_large || count > limit) {
    return fail(ErrorCode::TooLarge, "tensor_too_large",
                "a tensor of shape {}; the limit is {} "
                "elements",
                to_string(shape), limit);
  }
  return count;
}

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

std::array<int64_t, 2> sides(std::span<const int64_t> shape) {
  return {shape[0], shape[1]};
}

bool all(std::span<const int64_t> sides, int64_t size) {
  return sides.size() == 2 && sides[0] == size && sides[1] == size;
}

Shape row_major_strides(std::span<const int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= std::max<int64_t>(shape[axis], 1);
  }
  return strides;
}

Result<Shape> broadcast(std::span<const int64_t> a, std::span<const int64_t> b) {
  Shape out(std::max(a.size(), b.size()));
  for (size_t from_end = 1; from_end <= out.size(); ++from_end) {
    const int64_t in_a = from_end <= a.size() ? a[a.size() - from_end] : 1;
    const int64_t in_b = from_end <= b.size() ? b[b.size() - from_end] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      return fail(ErrorCode::InvalidInput, "shape_mismatch", "shapes {} and {} do not broadcast",
                  to_string(a), to_string(b));
    }
    out[out.size() - from_end] = in_a == 1 ? in_b : in_a;
  }
  return out;
}

Shape broadcast_strides(std::span<const int64_t> from, std::span<const int64_t> to) {
  const Shape own = row_major_strides(from);
  Shape strides(to.size(), 0);
  const size_t missing = to.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    strides[missing + axis] = from[axis] == 1 ? 0 : own[axis];
  }
  return strides;
}

Result<size_t> checked_axis(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    return fail(ErrorCode::InvalidInput, "shape_mismatch", "axis {} of a tensor with {} dimensions",
                axis, rank);
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

}  // namespace faceforge::nn
