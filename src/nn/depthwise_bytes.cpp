#include "nn/depthwise_bytes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <type_traits>

#include <omp.h>

#include "base/check.h"
#include "nn/always_inline.h"
#include "nn/processor.h"

#if defined(__x86_64__)
// g++ 12 warns of the registers that its own header leaves undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace faceforge::nn {
namespace {

constexpr int64_t kTaps = 9;

/// Below so many results a convolution takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 16;

/// Whether a vector holds several pixels, for few channels would leave it half empty: their windows
/// lie a pixel's bytes apart. For 16 and 32 channels it was slower.
bool holds_pixels(int64_t channels, int64_t stride) {
  return stride == 1 && channels <= 8 && 64 % channels == 0;
}

/// Numbers that are computed at once.
int64_t lanes_of(int64_t channels, int64_t stride) {
  return channels >= 64 || holds_pixels(channels, stride) ? 64 : 16;
}

int64_t block_count(int64_t channels, int64_t stride) {
  const int64_t lanes = lanes_of(channels, stride);
  return (channels + lanes - 1) / lanes;
}

/// Where channels do not fill their last block, it begins early enough to be full.
int64_t first_channel(int64_t channels, int64_t lanes, int64_t block) {
  return std::max<int64_t>(0, std::min(block * lanes, channels - lanes));
}

/// Which of a block's numbers stands at a place of its vectors: of 64, each quarter of a vector
/// has four numbers of another sixteen, as unpacking leaves them.
int64_t number_at(int64_t lanes, int64_t place) {
  return lanes == 16 ? place : place % 16 / 4 * 16 + place / 16 * 4 + place % 4;
}

/// The channel that a place of the arranged weights is for; nothing where channels fill no vector.
std::optional<int64_t> channel_at(int64_t channels, int64_t stride, int64_t index) {
  const int64_t lanes = lanes_of(channels, stride);
  const int64_t number = number_at(lanes, index % lanes);
  if (holds_pixels(channels, stride)) return number % channels;
  const int64_t channel = first_channel(channels, lanes, index / lanes) + number;
  return channel < channels ? std::optional(channel) : std::nullopt;
}

}  // namespace

bool has_byte_depthwise() {
#if defined(__x86_64__)
  static const bool has =
      instruction_set() >= InstructionSet::Avx512Vnni && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
  return has;
#else
  return false;
#endif
}

bool halves_depthwise(int64_t channels, int64_t stride) {
  return stride == 1 && !holds_pixels(channels, stride);
}

int64_t depthwise_weight_bytes(int64_t channels, int64_t stride) {
  return block_count(channels, stride) * 3 * lanes_of(channels, stride) * 4;
}

void arrange_depthwise_weights(int64_t channels, int64_t stride, const int8_t* weights,
                               std::span<int8_t> to) {
  CHECK(static_cast<int64_t>(to.size()) >= depthwise_weight_bytes(channels, stride));
  std::ranges::fill(to, int8_t{0});
  const int64_t lanes = lanes_of(channels, stride);
  for (int64_t index = 0; index < block_count(channels, stride) * lanes; ++index) {
    const auto channel = channel_at(channels, stride, index);
    for (int64_t tap = 0; channel && tap < kTaps; ++tap) {
      const int64_t row = tap / 3, column = tap % 3;
      const int64_t at = ((index / lanes * 3 + column) * lanes + index % lanes) * 4 + row;
      to[static_cast<size_t>(at)] = weights[*channel * kTaps + tap];
    }
  }
}

std::vector<float> arranged_channels(std::span<const float> numbers, int64_t stride) {
  const auto channels = static_cast<int64_t>(numbers.size());
  const int64_t count = block_count(channels, stride) * lanes_of(channels, stride);
  std::vector<float> arranged;
  for (int64_t index = 0; index < count; ++index) {
    const auto channel = channel_at(channels, stride, index);
    arranged.push_back(channel ? numbers[static_cast<size_t>(*channel)] : 0.0F);
  }
  return arranged;
}

#if defined(__x86_64__)
namespace {

#include "nn/depthwise_bytes_kernel.h"

template <typename Out>
void convolve(const ByteDepthwise& plan, const uint8_t* from, const int8_t* weights,
              typename Out::Number* to) {
  const int64_t picture_size = plan.picture[0] * plan.picture[1] * plan.channels;
  const int64_t row_size = plan.result[1] * plan.channels;
  const bool is_large = plan.batch * plan.result[0] * row_size > kParallelCount;
  // As many shares of each picture as make all threads' work the same.
  const int64_t threads = is_large ? omp_get_max_threads() : 1;
  const int64_t wanted = threads / std::gcd(threads, plan.batch);
  const int64_t share_rows = (plan.result[0] + 2 * wanted - 1) / (2 * wanted) * 2;
  const int64_t shares = (plan.result[0] + share_rows - 1) / share_rows;
  const auto convolve_one = holds_pixels(plan.channels, plan.stride) ? convolve_share_of_pixels<Out>
                            : plan.channels >= 64                    ? convolve_share<4, true, Out>
                            : plan.channels >= 16                    ? convolve_share<1, true, Out>
                                                  : convolve_share<1, false, Out>;
#pragma omp parallel for schedule(static) if (is_large)
  for (int64_t index = 0; index < plan.batch * shares; ++index) {
    const int64_t picture = index / shares, row = index % shares * share_rows;
    const int64_t before = (picture * plan.result[0] + row) * row_size;
    convolve_one(plan, weights,
                 {.picture = from + picture * picture_size,
                  .first_row = row,
                  .end_row = std::min(plan.result[0], row + share_rows),
                  .to = to + (plan.halves ? before / 4 : before)});
  }
}

/// Whether results are what ReLU makes of them at most, and integers hold them.
bool is_simple(const ByteDepthwise& plan) {
  constexpr float kLargestSum = 255 * 128 * kTaps, kLargest = 1 << 30;
  for (size_t channel = 0; channel < plan.scale.size(); ++channel) {
    const float slope = plan.slope[channel];
    const float bound = std::abs(plan.scale[channel]) * kLargestSum + std::abs(plan.shift[channel]);
    if ((slope != 0 && slope != 1) || !(bound < kLargest)) return false;
  }
  return true;
}

}  // namespace

void convolve_depthwise(const ByteDepthwise& plan, const uint8_t* from, const int8_t* weights,
                        float* to) {
  convolve<Floats>(plan, from, weights, to);
}

void convolve_depthwise(const ByteDepthwise& plan, const uint8_t* from, const int8_t* weights,
                        uint8_t* to) {
  if (is_simple(plan)) return convolve<Bytes<false>>(plan, from, weights, to);
  convolve<Bytes<true>>(plan, from, weights, to);
}
#else
void convolve_depthwise(const ByteDepthwise&, const uint8_t*, const int8_t*, float*) {
  CHECK(false);
}
void convolve_depthwise(const ByteDepthwise&, const uint8_t*, const int8_t*, uint8_t*) {
  CHECK(false);
}
#endif

}  // namespace faceforge::nn
