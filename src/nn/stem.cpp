#include "nn/stem.h"

#include <algorithm>

#include "base/check.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/stem_kernel.h"
#include "nn/instruction_sets_kernel.h"

/// Below so many multiplications a convolution takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 18;

template <typename Number>
void convolve_rows(const StemPlan& plan, const float* from, const float* weights,
                   const ConvolutionTail& tail, Number* to) {
  CHECK(!tail.adds_result && !tail.halves);
#if defined(__x86_64__)
  const auto convolve =
      plan.lanes == 16 ? avx512::convolve_stem_row<Number> : avx2::convolve_stem_row<Number>;
  const int64_t plane = plan.picture[0] * plan.picture[1];
  const int64_t rows = plan.result[0];
  const int64_t work = plan.batch * rows * plan.result[1] * plan.weight_count();
#pragma omp parallel for schedule(static) if (work > kParallelCount)
  for (int64_t index = 0; index < plan.batch * rows; ++index) {
    const int64_t picture = index / rows;
    convolve(plan, from + picture * plan.from_channels * plane, weights, tail, index % rows,
             to + picture * plan.picture_size());
  }
#else
  CHECK(false);
#endif
}

}  // namespace

void arrange_stem_kernels(const StemPlan& plan, const float* kernels, std::span<float> to) {
  CHECK(static_cast<int64_t>(to.size()) == plan.weight_count());
  std::ranges::fill(to, 0.0F);
  const int64_t taps = plan.tap_count();
  for (int64_t channel = 0; channel < plan.to_channels; ++channel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t place = (channel / plan.lanes * taps + tap) * plan.lanes + channel % plan.lanes;
      to[static_cast<size_t>(place)] = kernels[channel * taps + tap];
    }
  }
}

void convolve_stem(const StemPlan& plan, const float* from, const float* weights,
                   const ConvolutionTail& tail, float* to) {
  convolve_rows(plan, from, weights, tail, to);
}

void convolve_stem(const StemPlan& plan, const float* from, const float* weights,
                   const ConvolutionTail& tail, uint8_t* to) {
  CHECK(plan.is_channels_last);
  convolve_rows(plan, from, weights, tail, to);
}

}  // namespace faceforge::nn
