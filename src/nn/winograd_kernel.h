// Included once for each instruction set, by way of instruction_sets_kernel.h.

#include "nn/vectors_kernel.h"

/// Vectors of sums that stay in registers, of which AVX-512 has 32.
constexpr int kSums = kLanes == 16 ? 28 : 12;
/// Tiles of a block: their sums, for a panel of so many vectors, are stored for the transform back.
template <int kVectors>
constexpr int kBlock = kLanes == 16 ? std::min<int>(kBlockTiles, kSums / kVectors) : kSums;
static_assert(kBlock<1> <= kBlockTiles && kBlock<2> <= kBlockTiles && kBlock<3> <= kBlockTiles);
constexpr int kLine = 16;  ///< numbers in a line of the caches
/// How far ahead, in numbers, weights are asked for into the first cache. To ask for what lies
/// behind their end does nothing.
constexpr int64_t kSoon = 768;

/// One dimension of F(2, 3), at points 0, 1, -1 and infinity.
struct TilesOfTwo {
  static constexpr int kResults = 2, kInputs = 4;
  FACEFORGE_INLINE static void transform(const Vector* d, int step, Vector* to, int to_step) {
    to[0] = d[0] - d[2 * step];
    to[to_step] = d[step] + d[2 * step];
    to[2 * to_step] = d[2 * step] - d[step];
    to[3 * to_step] = d[step] - d[3 * step];
  }
  FACEFORGE_INLINE static void transform_back(const Vector* m, int step, Vector* to) {
    to[0] = m[0] + m[step] + m[2 * step];
    to[1] = m[step] - m[2 * step] - m[3 * step];
  }
};

/// One dimension of F(4, 3), at points 0, 1, -1, 2, -2 and infinity.
struct TilesOfFour {
  static constexpr int kResults = 4, kInputs = 6;
  FACEFORGE_INLINE static void transform(const Vector* d, int step, Vector* to, int to_step) {
    const Vector a = d[4 * step] - 4.0F * d[2 * step], b = d[3 * step] - 4.0F * d[step];
    const Vector c = d[4 * step] - d[2 * step], e = 2.0F * (d[3 * step] - d[step]);
    to[0] = 4.0F * d[0] - 5.0F * d[2 * step] + d[4 * step];
    to[to_step] = a + b;
    to[2 * to_step] = a - b;
    to[3 * to_step] = c + e;
    to[4 * to_step] = c - e;
    to[5 * to_step] = 4.0F * d[step] - 5.0F * d[3 * step] + d[5 * step];
  }
  FACEFORGE_INLINE static void transform_back(const Vector* m, int step, Vector* to) {
    const Vector a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    const Vector c = m[3 * step] + m[4 * step], e = m[3 * step] - m[4 * step];
    to[0] = m[0] + a + c;
    to[1] = b + 2.0F * e;
    to[2] = a + 4.0F * c;
    to[3] = b + 8.0F * e + m[5 * step];
  }
};

/// Asks for the lines of some vectors; `kCache` as of `__builtin_prefetch`, 3 is the first. A
/// vector that is no line is not worth it.
template <int kVectors, int kCache>
FACEFORGE_INLINE void ask(const float* vectors) {
  if constexpr (kVectors * kLanes >= kLine) {
#pragma GCC unroll 4
    for (int number = 0; number < kVectors * kLanes; number += kLine) {
      __builtin_prefetch(vectors + number, 0, kCache);
    }
  }
}

/// Weights that are wanted later: they come from memory while others are multiplied.
struct Later {
  const float* from = nullptr;
  const float* end = nullptr;

  /// Asks for so many vectors more, into the second cache.
  template <int kVectors>
  FACEFORGE_INLINE void ask_more() {
    if (from >= end) return;
    ask<kVectors, 2>(from);
    from += kVectors * kLanes;
  }
};

/// `to[row][kVectors * kLanes] = tiles[row][channel] * weights[channel][kVectors * kLanes]`, summed
/// over the channels. The sums stay in registers.
template <int kVectors, int kRowCount>
FACEFORGE_INLINE void multiply_rows(const float* tiles, int64_t row_step, int64_t depth,
                                    const float* weights, Later& later, float* to) {
  Vector sums[kRowCount][kVectors];
#pragma GCC unroll 16
  for (int row = 0; row < kRowCount; ++row) {
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector) sums[row][vector] = Vector{};
  }
#pragma GCC unroll 4
  for (int64_t channel = 0; channel < depth; ++channel) {
    Vector kernels[kVectors];
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector) {
      kernels[vector] = load(weights + (channel * kVectors + vector) * kLanes);
    }
    ask<kVectors, 3>(weights + channel * kVectors * kLanes + kSoon);
    later.ask_more<kVectors>();
#pragma GCC unroll 16
    for (int row = 0; row < kRowCount; ++row) {
      const float number = tiles[row * row_step + channel];
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector) {
        sums[row][vector] += number * kernels[vector];
      }
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRowCount; ++row) {
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector) {
      store(sums[row][vector], to + (row * kVectors + vector) * kLanes);
    }
  }
}

/// The same for any number of rows.
template <int kVectors, int kRowCount = std::min(kBlock<kVectors>, kSums / kVectors)>
void multiply(const float* tiles, int64_t row_step, int64_t row_count, int64_t depth,
              const float* weights, Later& later, float* to) {
  int64_t row = 0;
  for (; row + kRowCount <= row_count; row += kRowCount) {
    multiply_rows<kVectors, kRowCount>(tiles + row * row_step, row_step, depth, weights, later,
                                       to + row * kVectors * kLanes);
  }
  if constexpr (kRowCount > 1) {
    if (row < row_count) {
      multiply<kVectors, kRowCount - 1>(tiles + row * row_step, row_step, row_count - row, depth,
                                        weights, later, to + row * kVectors * kLanes);
    }
  }
}

/// Where a tile lies.
struct Place {
  int64_t picture, row, column;  ///< of the result's first pixel
};

FACEFORGE_INLINE Place place_of(const WinogradPlan& plan, int64_t tile) {
  const int64_t columns = plan.tile_columns(), rows = plan.tile_rows();
  return {tile / (columns * rows), tile / columns % rows * plan.tile, tile % columns * plan.tile};
}

/// Copies one block of channels of a tile that reaches beyond the picture; zeros are there.
template <typename Tiles>
void copy_border_tile(const WinogradPlan& plan, const float* block, int64_t top, int64_t left,
                      float* to) {
  for (int64_t y = top; y < top + Tiles::kInputs; ++y) {
    for (int64_t x = left; x < left + Tiles::kInputs; ++x, to += kLanes) {
      const bool is_there = y >= 0 && y < plan.rows && x >= 0 && x < plan.columns;
      store(is_there ? load(block + (y * plan.columns + x) * kLanes) : Vector{}, to);
    }
  }
}

/// Transforms a tile: `to[position][group_tiles][from_room]`, of which it is given its own.
template <typename Tiles>
void transform_tile(const WinogradPlan& plan, const Place& at, const float* from, float* to) {
  constexpr int kInputs = Tiles::kInputs;
  const int64_t pixels = plan.rows * plan.columns;
  const int64_t position_step = plan.group_tiles * plan.from_room();
  const int64_t top = at.row - plan.pad_top, left = at.column - plan.pad_left;
  const bool is_inside =
      top >= 0 && left >= 0 && top + kInputs <= plan.rows && left + kInputs <= plan.columns;
  for (int64_t channel = 0; channel < plan.from_room(); channel += kLanes) {
    const float* block = from + (at.picture * plan.from_room() + channel) * pixels;
    alignas(64) float copy[kInputs * kInputs * kLanes];
    const float* tile = copy;
    int64_t row_step = kInputs * kLanes;
    if (is_inside) {
      tile = block + (top * plan.columns + left) * kLanes;
      row_step = plan.columns * kLanes;
    } else {
      copy_border_tile<Tiles>(plan, block, top, left, copy);
    }
    Vector half[kInputs * kInputs];
#pragma GCC unroll 6
    for (int column = 0; column < kInputs; ++column) {
      Vector numbers[kInputs];
#pragma GCC unroll 6
      for (int row = 0; row < kInputs; ++row) {
        numbers[row] = load(tile + row * row_step + column * kLanes);
      }
      Tiles::transform(numbers, 1, half + column, kInputs);
    }
#pragma GCC unroll 6
    for (int row = 0; row < kInputs; ++row) {
      Vector whole[kInputs];
      Tiles::transform(half + row * kInputs, 1, whole, 1);
#pragma GCC unroll 6
      for (int column = 0; column < kInputs; ++column) {
        store(whole[column], to + (row * kInputs + column) * position_step + channel);
      }
    }
  }
}

FACEFORGE_INLINE Vector larger(const Vector& a, const Vector& b) {
  return a > b ? a : b;
}

/// Computes the results of a tile from the sums of its positions, `position_step` apart, for one
/// vector of channels, and writes those that lie on the picture.
template <typename Tiles>
void transform_back(const WinogradPlan& plan, const ConvolutionTail& tail, const Place& at,
                    int64_t channel, const float* sums, int64_t position_step, float* to) {
  constexpr int kInputs = Tiles::kInputs, kResults = Tiles::kResults;
  Vector half[kInputs * kResults];
#pragma GCC unroll 6
  for (int row = 0; row < kInputs; ++row) {
    Vector numbers[kInputs];
#pragma GCC unroll 6
    for (int column = 0; column < kInputs; ++column) {
      numbers[column] = load(sums + (row * kInputs + column) * position_step);
    }
    Tiles::transform_back(numbers, 1, half + row * kResults);
  }
  const Vector bias = load(tail.bias + channel);
  const Vector slopes = tail.slopes == nullptr ? Vector{} : load(tail.slopes + channel);
  const int64_t share = tail.halves ? 2 : 1;
  const int64_t columns = plan.result_columns / share;
  const int64_t row_step = columns * kLanes;
  float* const first =
      to + (at.picture * plan.to_room() + channel) * (plan.result_rows / share) * columns +
      (at.row * columns + at.column) / share * kLanes;
  const int64_t row_count = std::min<int64_t>(kResults, plan.result_rows - at.row);
  const int64_t column_count = std::min<int64_t>(kResults, plan.result_columns - at.column);
  if (tail.halves) {
#pragma GCC unroll 6
    for (int column = 0; column < kResults; column += 2) {
      if (column >= column_count) break;
      Vector left[kResults], right[kResults];
      Tiles::transform_back(half + column, kResults, left);
      Tiles::transform_back(half + column + 1, kResults, right);
#pragma GCC unroll 6
      for (int row = 0; row < kResults; row += 2) {
        if (row >= row_count) break;
        const auto ended = [&](const Vector& sum) {
          return with_tail(sum + bias, tail, slopes, nullptr);
        };
        const Vector upper = larger(ended(left[row]), ended(right[row]));
        const Vector lower = larger(ended(left[row + 1]), ended(right[row + 1]));
        store(larger(upper, lower), first + row / 2 * row_step + column / 2 * kLanes);
      }
    }
    return;
  }
#pragma GCC unroll 6
  for (int column = 0; column < kResults; ++column) {
    if (column >= column_count) break;
    Vector whole[kResults];
    Tiles::transform_back(half + column, kResults, whole);
#pragma GCC unroll 6
    for (int row = 0; row < kResults; ++row) {
      if (row >= row_count) break;
      float* const pixel = first + row * row_step + column * kLanes;
      store(with_tail(whole[row] + bias, tail, slopes, pixel), pixel);
    }
  }
}

/// Convolves the tiles from `first` on, at most a group of them.
template <typename Tiles, int kVectors>
void convolve_panels(const WinogradPlan& plan, int64_t first, const float* from,
                     const float* weights, const ConvolutionTail& tail, float* scratch, float* to) {
  constexpr int64_t kPositions = Tiles::kInputs * Tiles::kInputs, kPanel = kVectors * kLanes;
  const int64_t depth = plan.from_channels, room = plan.from_room();
  const int64_t tile_count = std::min(plan.group_tiles, plan.tile_count() - first);
  float* const tiles = scratch;
  float* const sums = scratch + kPositions * plan.group_tiles * room;
  for (int64_t tile = 0; tile < tile_count; ++tile) {
    transform_tile<Tiles>(plan, place_of(plan, first + tile), from, tiles + tile * room);
  }
  // Blocks of about one size, where one pass over the weights does for any number of their tiles.
  constexpr bool kInOnePass = kBlock<kVectors> <= kSums / kVectors;
  const int64_t fewest = (tile_count + kBlock<kVectors> - 1) / kBlock<kVectors>;
  const int64_t most = kInOnePass ? (tile_count + fewest - 1) / fewest : kBlock<kVectors>;
  const int64_t block_count = (tile_count + most - 1) / most;
  const int64_t share = (depth * kPanel + block_count - 1) / block_count;
  for (int64_t panel = 0; panel < plan.panel_count(); ++panel) {
    const float* kernels = weights + panel * kPositions * depth * kPanel;
    const int64_t vector_end = std::min((panel + 1) * kPanel, plan.to_room());
    const bool asks = plan.asks_for_next_panel && panel + 1 < plan.panel_count();
    for (int64_t block = 0; block < tile_count; block += most) {
      const int64_t count = std::min<int64_t>(most, tile_count - block);
      for (int64_t position = 0; position < kPositions; ++position) {
        const float* const mine = kernels + position * depth * kPanel;
        Later later;
        if (asks) {  // each block for its share
          const float* const next = mine + kPositions * depth * kPanel + block / most * share;
          later = {next, next + share};
        }
        multiply<kVectors>(tiles + (position * plan.group_tiles + block) * room, room, count, depth,
                           mine, later, sums + position * kBlockTiles * kPanel);
      }
      for (int64_t tile = 0; tile < count; ++tile) {
        const Place place = place_of(plan, first + block + tile);
        for (int64_t channel = panel * kPanel; channel < vector_end; channel += kLanes) {
          transform_back<Tiles>(plan, tail, place, channel,
                                sums + tile * kPanel + (channel - panel * kPanel),
                                kBlockTiles * kPanel, to);
        }
      }
    }
  }
}

template <typename Tiles>
void convolve_group(const WinogradPlan& plan, int64_t first, const float* from,
                    const float* weights, const ConvolutionTail& tail, float* scratch, float* to) {
  switch (plan.panel_vectors) {
    case 1:
      return convolve_panels<Tiles, 1>(plan, first, from, weights, tail, scratch, to);
    case 2:
      return convolve_panels<Tiles, 2>(plan, first, from, weights, tail, scratch, to);
    default:
      return convolve_panels<Tiles, 3>(plan, first, from, weights, tail, scratch, to);
  }
}
