#include "nn/winograd.h"

#include <algorithm>
#include <array>
#include <utility>

#include <omp.h>

#include "base/check.h"

namespace faceforge::nn {
namespace {

#define FACEFORGE_KERNEL "nn/winograd_kernel.h"
#include "nn/instruction_sets_kernel.h"

/// Kernels beyond so many weights are for tiles of 2: those for tiles of 4 take 4 times the memory
/// of the weights instead of 1.8 times, where channels fill their panels, and reading them costs
/// what they save.
constexpr int64_t kMaxWeightsOfLargeTiles = 128 * 256 * 9;
/// Below, transforming tiles costs as much as it saves.
constexpr int64_t kFewestFrom = 12, kFewestTo = 8;
/// Channels that fill half a vector or a panel make more of a form than of its weights: 4 times is
/// what full ones take.
constexpr int64_t kMostGrowth = 6;
/// Of a group's transformed tiles: what a core's second cache holds. Weights are read once for each
/// group, so that a cache which holds the weights of two panels beside them has larger ones.
constexpr int64_t kGroup_bytes = 512 << 10, kLargeGroup_bytes = 1 << 20;
constexpr int64_t kFewestGroupTiles = 12, kMostGroupTiles = 36, kMostLargeGroupTiles = 56;
constexpr int64_t kCacheOfLargeGroups_bytes = 2 << 20;
/// A smaller second cache would lose the next panel's weights again before they are multiplied.
constexpr int64_t kCacheOfNextPanel_bytes = 1 << 20;

/// The matrix G of F(m, 3), whose points are those of the kernels' transforms.
constexpr std::array<std::array<double, 3>, 4> kKernelsOfTwo{
    {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};
constexpr std::array<std::array<double, 3>, 6> kKernelsOfFour{{{1.0 / 4, 0, 0},
                                                               {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                                               {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                               {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                                               {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                                               {0, 0, 1}}};

/// `to[row][column] = G kernel G^T`, `step` apart.
template <size_t kInputs>
void transform_kernel(const std::array<std::array<double, 3>, kInputs>& matrix, const float* kernel,
                      float* to, int64_t step) {
  for (const auto& by : matrix) {
    std::array<double, 3> half{};
    for (size_t column = 0; column < 3; ++column) {
      for (size_t row = 0; row < 3; ++row) half[column] += by[row] * kernel[row * 3 + column];
    }
    for (const auto& across : matrix) {
      *to = static_cast<float>(half[0] * across[0] + half[1] * across[1] + half[2] * across[2]);
      to += step;
    }
  }
}

/// Of one thread: the transformed tiles of a group, and the sums of some of them.
int64_t scratch_of_thread(const WinogradPlan& plan) {
  return plan.position_count() * (plan.group_tiles * plan.from_room() + kBlockTiles * plan.panel());
}

}  // namespace

bool suits_winograd(int64_t from_channels, int64_t to_channels, int64_t lanes) {
  if (from_channels < kFewestFrom || to_channels < kFewestTo) return false;
  const WinogradPlan plan =
      winograd_plan({.from_channels = from_channels, .to_channels = to_channels, .lanes = lanes});
  return plan.weight_count() <= kMostGrowth * from_channels * to_channels * 9;
}

WinogradPlan winograd_plan(WinogradPlan plan) {
  const bool are_few = plan.from_channels * plan.to_channels * 9 <= kMaxWeightsOfLargeTiles;
  plan.tile = are_few ? 4 : 2;
  plan.asks_for_next_panel = plan.second_cache_bytes >= kCacheOfNextPanel_bytes;
  const int64_t vector_count = (plan.to_channels + plan.lanes - 1) / plan.lanes;
  plan.panel_vectors = vector_count % 3 == 0 ? 3 : vector_count == 1 ? 1 : 2;
  const auto tile_bytes =
      plan.position_count() * plan.from_room() * static_cast<int64_t>(sizeof(float));
  const bool are_large = plan.second_cache_bytes >= kCacheOfLargeGroups_bytes;
  const int64_t most =
      std::clamp((are_large ? kLargeGroup_bytes : kGroup_bytes) / tile_bytes, kFewestGroupTiles,
                 are_large ? kMostLargeGroupTiles : kMostGroupTiles);
  // As many groups for each thread, of about one size.
  const int64_t rounds =
      (plan.tile_count() + most * plan.thread_count - 1) / (most * plan.thread_count);
  const int64_t group_count = rounds * plan.thread_count;
  plan.group_tiles = (plan.tile_count() + group_count - 1) / group_count;
  return plan;
}

void transform_kernels(const WinogradPlan& plan, const float* kernels, std::span<float> to) {
  CHECK(static_cast<int64_t>(to.size()) == plan.weight_count());
  std::ranges::fill(to, 0.0F);
  const int64_t step = plan.from_channels * plan.panel();
#pragma omp parallel for schedule(static)
  for (int64_t panel = 0; panel < plan.panel_count(); ++panel) {
    const int64_t channel_count = std::min(plan.panel(), plan.to_channels - panel * plan.panel());
    for (int64_t from = 0; from < plan.from_channels; ++from) {
      for (int64_t channel = 0; channel < channel_count; ++channel) {
        const int64_t to_channel = panel * plan.panel() + channel;
        const float* kernel = kernels + (to_channel * plan.from_channels + from) * 9;
        float* place =
            to.data() + panel * plan.position_count() * step + from * plan.panel() + channel;
        if (plan.tile == 2) {
          transform_kernel(kKernelsOfTwo, kernel, place, step);
        } else {
          transform_kernel(kKernelsOfFour, kernel, place, step);
        }
      }
    }
  }
}

int64_t winograd_scratch(const WinogradPlan& plan) {
  return plan.thread_count * scratch_of_thread(plan);
}

void convolve(const WinogradPlan& plan, const float* from, const float* weights,
              const ConvolutionTail& tail, float* scratch, float* to) {
#if defined(__x86_64__)
  const auto group = plan.lanes == 16 ? plan.tile == 2 ? avx512::convolve_group<avx512::TilesOfTwo>
                                                       : avx512::convolve_group<avx512::TilesOfFour>
                     : plan.tile == 2 ? avx2::convolve_group<avx2::TilesOfTwo>
                                      : avx2::convolve_group<avx2::TilesOfFour>;
  const int thread_count = static_cast<int>(plan.thread_count);
#pragma omp parallel for schedule(dynamic) num_threads(thread_count)
  for (int64_t first = 0; first < plan.tile_count(); first += plan.group_tiles) {
    group(plan, first, from, weights, tail,
          scratch + omp_get_thread_num() * scratch_of_thread(plan), to);
  }
#else
  CHECK(false);
#endif
}

}  // namespace faceforge::nn
