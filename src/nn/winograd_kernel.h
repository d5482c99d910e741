// Included once for each instruction set, by way of instruction_sets_kernel.h.

#include "nn/vectors_kernel.h"

/// Tiles whose sums for two vectors of channels stay in registers, of which AVX-512 has 32.
constexpr int kRows = kLanes == 16 ? 12 : 6;

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

/// `to[row][2 * kLanes] = tiles[row][depth] * weights[depth][2 * kLanes]`
template <int kRowCount>
void multiply_rows(const float* tiles, int64_t depth, const float* weights, float* to) {
  Vector sums[kRowCount][2];
#pragma GCC unroll 16
  for (int row = 0; row < kRowCount; ++row) sums[row][0] = sums[row][1] = Vector{};
  for (int64_t channel = 0; channel < depth; ++channel) {
    const Vector low = load(weights + channel * 2 * kLanes);
    const Vector high = load(weights + channel * 2 * kLanes + kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < kRowCount; ++row) {
      const float number = tiles[row * depth + channel];
      sums[row][0] += number * low;
      sums[row][1] += number * high;
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRowCount; ++row) {
    store(sums[row][0], to + row * 2 * kLanes);
    store(sums[row][1], to + row * 2 * kLanes + kLanes);
  }
}

using MultiplyRows = void (*)(const float*, int64_t, const float*, float*);

template <int... kIndexes>
constexpr std::array<MultiplyRows, sizeof...(kIndexes)> multiply_by_rows(
    std::integer_sequence<int, kIndexes...>) {
  return {multiply_rows<kIndexes + 1>...};
}
constexpr auto kMultiply = multiply_by_rows(std::make_integer_sequence<int, kRows>());

/// Where a tile lies.
struct Place {
  int64_t picture, row, column;  ///< of the result's first pixel
};

FACEFORGE_INLINE Place place_of(const WinogradPlan& plan, int64_t tile) {
  const int64_t columns = plan.tile_columns(), rows = plan.tile_rows();
  return {tile / (columns * rows), tile / columns % rows * plan.tile, tile % columns * plan.tile};
}

/// Reads one block of channels of a tile; zeros beyond the picture.
template <typename Tiles>
FACEFORGE_INLINE void read_tile(const WinogradPlan& plan, const float* block, int64_t top,
                                int64_t left, Vector* to) {
  constexpr int kInputs = Tiles::kInputs;
  const bool is_inside =
      top >= 0 && left >= 0 && top + kInputs <= plan.rows && left + kInputs <= plan.columns;
  if (is_inside) {
    const float* first = block + (top * plan.columns + left) * kLanes;
#pragma GCC unroll 6
    for (int row = 0; row < kInputs; ++row) {
#pragma GCC unroll 6
      for (int column = 0; column < kInputs; ++column) {
        to[row * kInputs + column] = load(first + (row * plan.columns + column) * kLanes);
      }
    }
    return;
  }
  for (int row = 0; row < kInputs; ++row) {
    for (int column = 0; column < kInputs; ++column) {
      const int64_t y = top + row, x = left + column;
      const bool is_there = y >= 0 && y < plan.rows && x >= 0 && x < plan.columns;
      to[row * kInputs + column] =
          is_there ? load(block + (y * plan.columns + x) * kLanes) : Vector{};
    }
  }
}

/// Transforms a tile: `to[position][group_tiles][from_room]`, of which it is given its own.
template <typename Tiles>
void transform_tile(const WinogradPlan& plan, const Place& at, const float* from, float* to) {
  constexpr int kInputs = Tiles::kInputs;
  const int64_t pixels = plan.rows * plan.columns;
  const int64_t position_step = plan.group_tiles * plan.from_room();
  for (int64_t channel = 0; channel < plan.from_room(); channel += kLanes) {
    Vector numbers[kInputs * kInputs], half[kInputs * kInputs];
    read_tile<Tiles>(plan, from + (at.picture * plan.from_room() + channel) * pixels,
                     at.row - plan.pad_top, at.column - plan.pad_left, numbers);
#pragma GCC unroll 6
    for (int column = 0; column < kInputs; ++column) {
      Tiles::transform(numbers + column, kInputs, half + column, kInputs);
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

/// Writes the results of a tile that lie on the picture, for one vector of channels.
template <typename Tiles>
FACEFORGE_INLINE void write_tile(const WinogradPlan& plan, const ConvolutionTail& tail,
                                 const Place& at, int64_t channel, const Vector* results,
                                 float* to) {
  constexpr int kResults = Tiles::kResults;
  const Vector bias = load(tail.bias + channel);
  const Vector slopes = tail.slopes == nullptr ? Vector{} : load(tail.slopes + channel);
  float* block =
      to + (at.picture * plan.to_room() + channel) * plan.result_rows * plan.result_columns;
  const int64_t row_count = std::min<int64_t>(kResults, plan.result_rows - at.row);
  const int64_t column_count = std::min<int64_t>(kResults, plan.result_columns - at.column);
  for (int64_t row = 0; row < row_count; ++row) {
    float* pixel = block + ((at.row + row) * plan.result_columns + at.column) * kLanes;
    for (int64_t column = 0; column < column_count; ++column, pixel += kLanes) {
      store(with_tail(results[row * kResults + column] + bias, tail, slopes, pixel), pixel);
    }
  }
}

/// in: `sums[position][kRows][2 * kLanes]`, of which it is given its tile's
template <typename Tiles>
void transform_back(const WinogradPlan& plan, const ConvolutionTail& tail, const Place& at,
                    int64_t first_channel, const float* sums, float* to) {
  constexpr int kInputs = Tiles::kInputs, kResults = Tiles::kResults;
  for (int64_t part = 0; part < 2 * kLanes; part += kLanes) {
    if (first_channel + part >= plan.to_room()) return;
    Vector half[kInputs * kResults], results[kResults * kResults];
#pragma GCC unroll 6
    for (int row = 0; row < kInputs; ++row) {
      Vector numbers[kInputs];
#pragma GCC unroll 6
      for (int column = 0; column < kInputs; ++column) {
        numbers[column] = load(sums + (row * kInputs + column) * kRows * 2 * kLanes + part);
      }
      Tiles::transform_back(numbers, 1, half + row * kResults);
    }
#pragma GCC unroll 6
    for (int column = 0; column < kResults; ++column) {
      Vector whole[kResults];
      Tiles::transform_back(half + column, kResults, whole);
#pragma GCC unroll 6
      for (int row = 0; row < kResults; ++row) results[row * kResults + column] = whole[row];
    }
    write_tile<Tiles>(plan, tail, at, first_channel + part, results, to);
  }
}

/// Convolves the tiles from `first` on, at most a group of them.
template <typename Tiles>
void convolve_group(const WinogradPlan& plan, int64_t first, const float* from,
                    const float* weights, const ConvolutionTail& tail, float* scratch, float* to) {
  constexpr int64_t kPositions = Tiles::kInputs * Tiles::kInputs;
  const int64_t depth = plan.from_room();
  const int64_t tile_count = std::min(plan.group_tiles, plan.tile_count() - first);
  float* const tiles = scratch;
  float* const sums = scratch + kPositions * plan.group_tiles * depth;
  for (int64_t tile = 0; tile < tile_count; ++tile) {
    transform_tile<Tiles>(plan, place_of(plan, first + tile), from, tiles + tile * depth);
  }
  for (int64_t panel = 0; panel < plan.panel_count(); ++panel) {
    const float* kernels = weights + panel * kPositions * depth * 2 * kLanes;
    for (int64_t row = 0; row < tile_count; row += kRows) {
      const int64_t row_count = std::min<int64_t>(kRows, tile_count - row);
      const MultiplyRows multiply = kMultiply[static_cast<size_t>(row_count - 1)];
      for (int64_t position = 0; position < kPositions; ++position) {
        multiply(tiles + (position * plan.group_tiles + row) * depth, depth,
                 kernels + position * depth * 2 * kLanes, sums + position * kRows * 2 * kLanes);
      }
      for (int64_t tile = 0; tile < row_count; ++tile) {
        transform_back<Tiles>(plan, tail, place_of(plan, first + row + tile), panel * 2 * kLanes,
                              sums + tile * 2 * kLanes, to);
      }
    }
  }
}
