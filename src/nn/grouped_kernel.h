// Included once for each instruction set, by way of instruction_sets_kernel.h.

#include "nn/vectors_kernel.h"

using LaneIndexes = std::array<int32_t, kLanes>;

/// The vector whose lanes are those of `from` that `indexes` names.
FACEFORGE_INLINE Vector turned(const Vector& from, const LaneIndexes& indexes) {
  using Mask = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));
  return __builtin_shuffle(from, *reinterpret_cast<const Mask*>(indexes.data()));
}

/// The results for pixels beside each other and one vector of channels, without their tail.
///
/// in: `left` of the first's window; with `kIsInside` all windows lie on the picture
template <int kPixels, bool kIsInside>
FACEFORGE_INLINE void sum_taps(const GroupedPlan& plan, const LaneIndexes* turns,
                               const float* block, const float* weights, int64_t top, int64_t left,
                               Vector* sums) {
  const int64_t step = plan.strides[1] * kLanes;
  for (int64_t row = 0; row < plan.kernel[0]; ++row) {
    const int64_t y = top + row * plan.dilations[0];
    for (int64_t column = 0; column < plan.kernel[1]; ++column, weights += plan.group * kLanes) {
      const int64_t x = left + column * plan.dilations[1];
      if constexpr (!kIsInside) {
        if (y < 0 || y >= plan.picture[0] || x < 0 || x >= plan.picture[1]) continue;
      }
      const float* pixel = block + (y * plan.picture[1] + x) * kLanes;
      for (int64_t turn = 0; turn < plan.group; ++turn) {
        const Vector kernel = load(weights + turn * kLanes);
#pragma GCC unroll 8
        for (int index = 0; index < kPixels; ++index) {
          sums[index] += turned(load(pixel + index * step), turns[turn]) * kernel;
        }
      }
    }
  }
}

/// Where the windows of a row of results begin and end to lie on the picture.
struct Inside {
  int64_t begin, end;
};

FACEFORGE_INLINE Inside inside(const GroupedPlan& plan, int side) {
  const int64_t reach = (plan.kernel[side] - 1) * plan.dilations[side];
  const int64_t stride = plan.strides[side], pad = plan.pads[side];
  const int64_t begin = (pad + stride - 1) / stride;
  const int64_t last = plan.picture[side] - 1 - reach + pad;
  const int64_t end = last < 0 ? 0 : std::min(plan.result[side], last / stride + 1);
  return {std::min(begin, end), end};
}

/// One block of channels of one picture.
void convolve_group_block(const GroupedPlan& plan, const float* block, const float* weights,
                          const ConvolutionTail& tail, int64_t channel, float* to) {
  constexpr int kPixels = 6;
  alignas(64) std::array<LaneIndexes, kLanes> turns;
  for (int turn = 0; turn < plan.group; ++turn) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto group = static_cast<int>(plan.group);
      turns[static_cast<size_t>(turn)][static_cast<size_t>(lane)] =
          lane / group * group + (lane + turn) % group;
    }
  }
  const Vector bias = load(tail.bias + channel);
  const Vector slopes = tail.slopes == nullptr ? Vector{} : load(tail.slopes + channel);
  const Inside rows = inside(plan, 0), columns = inside(plan, 1);
  for (int64_t row = 0; row < plan.result[0]; ++row) {
    const int64_t top = row * plan.strides[0] - plan.pads[0];
    const bool is_row_inside = row >= rows.begin && row < rows.end;
    for (int64_t column = 0; column < plan.result[1];) {
      const int64_t left = column * plan.strides[1] - plan.pads[1];
      const bool are_inside =
          is_row_inside && column >= columns.begin && column + kPixels <= columns.end;
      Vector sums[kPixels];
      for (Vector& sum : sums) sum = bias;
      if (are_inside) {
        sum_taps<kPixels, true>(plan, turns.data(), block, weights, top, left, sums);
      } else {
        sum_taps<1, false>(plan, turns.data(), block, weights, top, left, sums);
      }
      const int64_t count = are_inside ? kPixels : 1;
      for (int64_t index = 0; index < count; ++index, to += kLanes) {
        store(with_tail(sums[index], tail, slopes, to), to);
      }
      column += count;
    }
  }
}
