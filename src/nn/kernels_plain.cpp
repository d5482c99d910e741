#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "nn/elementwise.h"
#include "nn/kernels.h"

namespace faceforge::nn {

void softmax(int64_t outer, int64_t size, int64_t inner, const float* from, float* to) {
  for (int64_t group = 0; group < outer * inner; ++group) {
    const int64_t start = group / inner * size * inner + group % inner;
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t index = 0; index < size; ++index) {
      largest = std::max(largest, from[start + index * inner]);
    }
    float sum = 0;
    for (int64_t index = 0; index < size; ++index) {
      const float value = std::exp(from[start + index * inner] - largest);
      to[start + index * inner] = value;
      sum += value;
    }
    for (int64_t index = 0; index < size; ++index) to[start + index * inner] /= sum;
  }
}

Result<ReducePlan> plan_reduce(const Node& node, const Reduce& reduce,
                               std::span<const Fact> operands) {
  const Shape& from = operands[0].shape;
  std::vector<int64_t> axes;
  if (reduce.axes) {
    axes = *reduce.axes;
  } else if (node.has_input(1)) {
    axes = TRY(integers_of(node, operands, 1));
  }
  ReducePlan plan{.kind = reduce.kind,
                  .shape = from,
                  .strides = row_major_strides(from),
                  .result_strides = {},
                  .result_count = 1};
  Shape kept = axes.empty() ? Shape(from.size(), 1) : from;
  for (const int64_t axis : axes) kept[TRY(checked_axis(axis, from.size()))] = 1;
  plan.result_count = element_count(kept);
  plan.result_strides = broadcast_strides(kept, from);
  return plan;
}

void reduce_plain(const ReducePlan& plan, const float* from, std::span<double> sums, float* to) {
  const auto count = static_cast<size_t>(plan.result_count);
  double start = 0;
  if (plan.kind == ReduceKind::Product) start = 1;
  if (plan.kind == ReduceKind::Max) start = -std::numeric_limits<double>::infinity();
  if (plan.kind == ReduceKind::Min) start = std::numeric_limits<double>::infinity();
  std::fill_n(sums.begin(), count, start);
  for_each_pair(plan.shape, plan.strides, plan.result_strides,
                [&](int64_t, int64_t at, int64_t to_at) {
                  const double value = from[at];
                  double& result = sums[static_cast<size_t>(to_at)];
                  switch (plan.kind) {
                    case ReduceKind::Mean:
                    case ReduceKind::Sum:
                      result += value;
                      break;
                    case ReduceKind::L2:
                    case ReduceKind::SumOfSquares:
                      result += value * value;
                      break;
                    case ReduceKind::Max:
                      result = std::max(result, value);
                      break;
                    case ReduceKind::Min:
                      result = std::min(result, value);
                      break;
                    case ReduceKind::Product:
                      result *= value;
                      break;
                  }
                });
  const auto share = static_cast<double>(element_count(plan.shape)) / static_cast<double>(count);
  for (size_t index = 0; index < count; ++index) {
    double result = sums[index];
    if (plan.kind == ReduceKind::Mean) result /= share;
    if (plan.kind == ReduceKind::L2) result = std::sqrt(result);
    to[index] = static_cast<float>(result);
  }
}

namespace {

/// How many of `count` taps, from `start` on in steps, lie before `stop`.
int64_t taps_before(int64_t stop, int64_t start, int64_t step, int64_t count) {
  return stop <= start ? 0 : std::min(count, (stop - start + step - 1) / step);
}

PoolAxis plan_pool_axis(const PlacedWindow& window, size_t axis, int64_t size) {
  PoolAxis plan{.size = size, .step = window.dilations[axis], .positions = {}};
  const int64_t kernel = window.kernel[axis];
  for (int64_t position = 0; position < window.result[axis]; ++position) {
    const int64_t start = position * window.strides[axis] - window.pads_begin[axis];
    const int64_t skipped = taps_before(0, start, plan.step, kernel);
    const int64_t until_end = taps_before(size, start, plan.step, kernel);
    const int64_t until_pads = taps_before(size + window.pads_end[axis], start, plan.step, kernel);
    plan.positions.push_back(
        {start + skipped * plan.step, std::max<int64_t>(0, until_end - skipped), until_pads});
  }
  return plan;
}

}  // namespace

PoolPlan plan_pool(PoolKind kind, const PlacedWindow& window,
                   std::span<const int64_t> picture_shape) {
  // Missing leading dimensions become 1, so that one loop nest serves lines, pictures and volumes.
  PoolPlan plan{.kind = kind, .axes = {}, .plane_count = picture_shape[0] * picture_shape[1]};
  const size_t rank = window.result.size();
  for (size_t axis = 0; axis < rank; ++axis) {
    plan.axes[3 - rank + axis] = plan_pool_axis(window, axis, picture_shape[2 + axis]);
  }
  return plan;
}

void pool_plain(const PoolPlan& plan, const float* from, float* to) {
  const auto& axes = plan.axes;
  const auto pool_one = [&](const float* picture, const Taps& z, const Taps& y, const Taps& x) {
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
    for (int64_t tap_z = 0; tap_z < z.count; ++tap_z) {
      for (int64_t tap_y = 0; tap_y < y.count; ++tap_y) {
        const int64_t plane = z.first + tap_z * axes[0].step;
        const int64_t row = plane * axes[1].size + y.first + tap_y * axes[1].step;
        const float* line = picture + row * axes[2].size + x.first;
        for (int64_t tap_x = 0; tap_x < x.count; ++tap_x) {
          const float value = line[tap_x * axes[2].step];
          largest = std::max(largest, value);
          sum += value;
        }
      }
    }
    if (plan.kind == PoolKind::Max) return largest;
    const int64_t count = plan.kind == PoolKind::AverageWithPadding
                              ? z.counted * y.counted * x.counted
                              : z.count * y.count * x.count;
    return sum / static_cast<float>(std::max<int64_t>(1, count));
  };
  const int64_t plane_size = axes[0].size * axes[1].size * axes[2].size;
  for (int64_t plane = 0; plane < plan.plane_count; ++plane) {
    for (const Taps& z : axes[0].positions) {
      for (const Taps& y : axes[1].positions) {
        for (const Taps& x : axes[2].positions)
          *to++ = pool_one(from + plane * plane_size, z, y, x);
      }
    }
  }
}

}  // namespace faceforge::nn
