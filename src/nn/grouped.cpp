#include "nn/grouped.h"

#include <algorithm>

#include "base/check.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/grouped_kernel.h"
#include "nn/instruction_sets_kernel.h"

/// Below so many multiplications a convolution takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 18;

}  // namespace

void arrange_group_kernels(const GroupedPlan& plan, const float* kernels, std::span<float> to) {
  CHECK(static_cast<int64_t>(to.size()) == plan.weight_count());
  const int64_t taps = plan.tap_count();
  for (int64_t channel = 0; channel < plan.channels; ++channel) {
    const int64_t block = channel / plan.lanes, lane = channel % plan.lanes;
    for (int64_t turn = 0; turn < plan.group; ++turn) {
      const int64_t member = (channel + turn) % plan.group;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t place = ((block * taps + tap) * plan.group + turn) * plan.lanes + lane;
        to[static_cast<size_t>(place)] = kernels[(channel * plan.group + member) * taps + tap];
      }
    }
  }
}

void convolve_groups(const GroupedPlan& plan, const float* from, const float* weights,
                     const ConvolutionTail& tail, float* to) {
#if defined(__x86_64__)
  const auto convolve =
      plan.lanes == 16 ? avx512::convolve_group_block : avx2::convolve_group_block;
  const int64_t block_count = plan.channels / plan.lanes;
  const int64_t pixels = plan.picture[0] * plan.picture[1];
  const int64_t result_pixels = plan.result[0] * plan.result[1];
  const int64_t work = plan.batch * result_pixels * plan.weight_count();
#pragma omp parallel for schedule(static) if (work > kParallelCount)
  for (int64_t index = 0; index < plan.batch * block_count; ++index) {
    const int64_t block = index % block_count;
    convolve(plan, from + index * pixels * plan.lanes,
             weights + block * plan.tap_count() * plan.group * plan.lanes, tail, block * plan.lanes,
             to + index * result_pixels * plan.lanes);
  }
#else
  CHECK(false);
#endif
}

}  // namespace faceforge::nn
