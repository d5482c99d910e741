#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "nn/always_inline.h"
#include "nn/elementwise.h"
#include "nn/kernels.h"

// The compiler makes each of these passes for several instruction sets, and the loader picks one:
// the program starts on a processor without AVX and uses AVX-512 where it is. Sanitizers run before
// the loader could pick.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACEFORGE_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FACEFORGE_VECTOR_CLONES
#endif

namespace faceforge::nn {
namespace {

/// Below this a pass takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 16;

/// Numbers that one turn of a pass takes: more than the compiler unrolls, for what it unrolls
/// before it looks for vectors it does not vectorize where a function chooses.
constexpr int64_t kTurn = 64;

/// Calls `at(index, channel)` for each number of a block in order of memory; `channel` is where
/// `TurnNumbers` has its channel's number.
template <typename At>
FACEFORGE_INLINE void for_each_in_turns(int64_t pixels, int64_t block, At at) {
  const int64_t count = pixels * block;
  const int64_t turn = kTurn % block == 0 ? kTurn : block;
  for (int64_t start = 0; start < count; start += turn) {
    const int64_t left = count - start;
    if (turn == kTurn && left >= kTurn) {
#pragma GCC ivdep
      for (int64_t index = 0; index < kTurn; ++index) at(start + index, index);
    } else {
      const int64_t rest = std::min(turn, left);
#pragma GCC ivdep
      for (int64_t index = 0; index < rest; ++index) at(start + index, index);
    }
  }
}

/// The numbers of one block's channels, through a turn where the block divides it.
struct TurnNumbers {
  alignas(64) std::array<float, kTurn> repeated;
  const float* numbers;

  FACEFORGE_INLINE TurnNumbers(int64_t block, const float* channels) : numbers(channels) {
    if (kTurn % block != 0) return;
    for (int64_t index = 0; index < kTurn; ++index) {
      repeated[static_cast<size_t>(index)] = channels[index % block];
    }
    numbers = repeated.data();
  }
};

/// One block of channels: `block` numbers a pixel, or one channel's whole plane.
template <typename Function>
FACEFORGE_INLINE void join_block(int64_t pixels, int64_t block, const float* from,
                                 const float* channels, float* to, Function function) {
  const TurnNumbers turn(block, channels);
  for_each_in_turns(pixels, block, [&, numbers = turn.numbers](int64_t index, int64_t channel) {
    to[index] = function(from[index], numbers[channel]);
  });
}

FACEFORGE_VECTOR_CLONES void join_one_block(BinaryKind kind, int64_t pixels, int64_t block,
                                            const float* from, const float* channels, float* to) {
  switch (kind) {
    case BinaryKind::Add:
      return join_block(pixels, block, from, channels, to, [](float a, float b) { return a + b; });
    case BinaryKind::Subtract:
      return join_block(pixels, block, from, channels, to, [](float a, float b) { return a - b; });
    case BinaryKind::Multiply:
      return join_block(pixels, block, from, channels, to, [](float a, float b) { return a * b; });
    case BinaryKind::Divide:
      return join_block(pixels, block, from, channels, to, [](float a, float b) { return a / b; });
    case BinaryKind::PRelu:
      return join_block(pixels, block, from, channels, to,
                        [](float a, float b) { return a > 0 ? a : a * b; });
    case BinaryKind::Minimum:
      return join_block(pixels, block, from, channels, to,
                        [](float a, float b) { return b < a ? b : a; });
    case BinaryKind::Maximum:
      return join_block(pixels, block, from, channels, to,
                        [](float a, float b) { return a < b ? b : a; });
    case BinaryKind::Power:
      return join_block(pixels, block, from, channels, to,
                        [](float a, float b) { return std::pow(a, b); });
  }
}

FACEFORGE_VECTOR_CLONES void scale_and_shift_block(int64_t pixels, int64_t block, const float* from,
                                                   const float* scale, const float* shift,
                                                   float* to) {
  const TurnNumbers by(block, scale), plus(block, shift);
  for_each_in_turns(pixels, block,
                    [=, by = by.numbers, plus = plus.numbers](int64_t index, int64_t channel) {
                      to[index] = from[index] * by[channel] + plus[channel];
                    });
}

FACEFORGE_VECTOR_CLONES void join_numbers(BinaryKind kind, int64_t count, const float* a,
                                          const float* b, float* to) {
  switch (kind) {
    case BinaryKind::Add:
#pragma GCC ivdep
      for (int64_t index = 0; index < count; ++index) to[index] = a[index] + b[index];
      return;
    case BinaryKind::Multiply:
#pragma GCC ivdep
      for (int64_t index = 0; index < count; ++index) to[index] = a[index] * b[index];
      return;
    default:
      return with_function(kind, [&](auto function) {
        for (int64_t index = 0; index < count; ++index) to[index] = function(a[index], b[index]);
      });
  }
}

/// The largest numbers of one window, channel by channel.
template <int64_t kBlock>
FACEFORGE_INLINE void largest_of_window(const PoolPlan& plan, const Taps& rows, const Taps& columns,
                                        const float* from, float* to) {
  std::array<float, kBlock> largest;
  largest.fill(-std::numeric_limits<float>::infinity());
  for (int64_t tap = 0; tap < rows.count; ++tap) {
    const int64_t row = rows.first + tap * plan.axes[1].step;
    const float* pixel = from + (row * plan.axes[2].size + columns.first) * kBlock;
    for (int64_t across = 0; across < columns.count; ++across) {
      for (size_t channel = 0; channel < kBlock; ++channel) {
        largest[channel] = std::max(largest[channel], pixel[channel]);
      }
      pixel += plan.axes[2].step * kBlock;
    }
  }
  std::ranges::copy(largest, to);
}

template <int64_t kBlock>
FACEFORGE_INLINE void largest_of_row(const PoolPlan& plan, const Taps& rows, const float* from,
                                     float* to) {
  for (const Taps& columns : plan.axes[2].positions) {
    largest_of_window<kBlock>(plan, rows, columns, from, to);
    to += kBlock;
  }
}

FACEFORGE_VECTOR_CLONES void pool_row_of_8(const PoolPlan& plan, const Taps& rows,
                                           const float* from, float* to) {
  largest_of_row<8>(plan, rows, from, to);
}

FACEFORGE_VECTOR_CLONES void pool_row_of_16(const PoolPlan& plan, const Taps& rows,
                                            const float* from, float* to) {
  largest_of_row<16>(plan, rows, from, to);
}

}  // namespace

void pool_blocks(const PoolPlan& plan, int64_t block, const float* from, float* to) {
  const auto pool_row = block == 8 ? pool_row_of_8 : pool_row_of_16;
  const auto row_count = static_cast<int64_t>(plan.axes[1].positions.size());
  const auto row_size = static_cast<int64_t>(plan.axes[2].positions.size()) * block;
  const int64_t plane_size = plan.axes[1].size * plan.axes[2].size * block;
#pragma omp parallel for schedule(static) if (plan.plane_count * plane_size > kParallelCount)
  for (int64_t index = 0; index < plan.plane_count * row_count; ++index) {
    const Taps& rows = plan.axes[1].positions[static_cast<size_t>(index % row_count)];
    pool_row(plan, rows, from + index / row_count * plane_size, to + index * row_size);
  }
}

void join_channels(BinaryKind kind, const ChannelLayout& layout, const float* from,
                   const float* channels, int64_t channels_step, float* to) {
  const int64_t piece = layout.pixels * layout.block;
  const int64_t piece_count = layout.batch * layout.block_count;
#pragma omp parallel for schedule(static) if (piece * piece_count > kParallelCount)
  for (int64_t index = 0; index < piece_count; ++index) {
    const int64_t picture = index / layout.block_count;
    const int64_t block_index = index % layout.block_count;
    join_one_block(kind, layout.pixels, layout.block, from + index * piece,
                   channels + picture * channels_step + block_index * layout.block,
                   to + index * piece);
  }
}

void scale_and_shift_channels(const ChannelLayout& layout, const float* from, const float* scale,
                              const float* shift, float* to) {
  const int64_t piece = layout.pixels * layout.block;
  const int64_t piece_count = layout.batch * layout.block_count;
#pragma omp parallel for schedule(static) if (piece * piece_count > kParallelCount)
  for (int64_t index = 0; index < piece_count; ++index) {
    const int64_t first_channel = index % layout.block_count * layout.block;
    scale_and_shift_block(layout.pixels, layout.block, from + index * piece, scale + first_channel,
                          shift + first_channel, to + index * piece);
  }
}

void join(BinaryKind kind, int64_t count, const float* a, const float* b, float* to) {
  join_numbers(kind, count, a, b, to);
}

void join_broadcast(BinaryKind kind, std::span<const int64_t> shape,
                    std::span<const int64_t> a_strides, std::span<const int64_t> b_strides,
                    const float* a, const float* b, float* to) {
  with_function(kind, [&](auto function) {
    for_each_pair(shape, a_strides, b_strides, [&](int64_t at, int64_t a_at, int64_t b_at) {
      to[at] = function(a[a_at], b[b_at]);
    });
  });
}

void apply(const Unary& unary, int64_t count, const float* from, float* to) {
  with_function(unary, [&](auto function) {
    for (int64_t index = 0; index < count; ++index) to[index] = function(from[index]);
  });
}

void pool_pixels(ReduceKind kind, const ChannelLayout& layout, const float* from, float* to) {
  const int64_t piece = layout.pixels * layout.block;
  for (int64_t index = 0; index < layout.batch * layout.block_count; ++index) {
    float* out = to + index * layout.block;
    const float* in = from + index * piece;
    std::copy(in, in + layout.block, out);
    for (int64_t pixel = 1; pixel < layout.pixels; ++pixel) {
      const float* row = in + pixel * layout.block;
      for (int64_t channel = 0; channel < layout.block; ++channel) {
        const float value = row[channel];
        out[channel] =
            kind == ReduceKind::Max ? std::max(out[channel], value) : out[channel] + value;
      }
    }
    if (kind == ReduceKind::Mean) {
      for (int64_t channel = 0; channel < layout.block; ++channel) {
        out[channel] /= static_cast<float>(layout.pixels);
      }
    }
  }
}

}  // namespace faceforge::nn
