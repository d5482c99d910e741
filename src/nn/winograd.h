#pragma once

#include <cstdint>
#include <span>

#include "nn/kernels.h"

namespace faceforge::nn {

// Convolutions by 3x3 kernels at stride 1 with Winograd's minimal filtering F(m x m, 3 x 3): tiles
// of the picture and the kernels are transformed such that their convolution is a product of
// numbers, and what was 9 multiplications a result and channel is 4 (m = 2) or 2.25 (m = 4).
//
// source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016

/// The most tiles whose sums, for a panel of channels, lie in memory at once.
inline constexpr int64_t kBlockTiles = 14;

/// A convolution, and how it is cut into pieces.
struct WinogradPlan {
  int64_t batch = 1;
  int64_t rows = 1, columns = 1;                ///< of a picture
  int64_t result_rows = 1, result_columns = 1;  ///< of a result
  int64_t pad_top = 0, pad_left = 0;
  int64_t from_channels = 1, to_channels = 1;
  /// Numbers in a vector; channels lie in blocks of so many, as `ChannelLayout`.
  int64_t lanes = 1;
  int64_t tile = 2;           ///< m: results that a tile gives, along a side
  int64_t panel_vectors = 2;  ///< of channels of the result that are computed at once: 1 to 3
  int64_t group_tiles = 1;    ///< that are transformed before their products are added up
  int64_t thread_count = 1;
  int64_t second_cache_bytes = 0;    ///< of a core, as far as it is known
  bool asks_for_next_panel = false;  ///< has the next panel's weights come while one is multiplied

  [[nodiscard]] int64_t position_count() const { return (tile + 2) * (tile + 2); }
  [[nodiscard]] int64_t tile_rows() const { return (result_rows + tile - 1) / tile; }
  [[nodiscard]] int64_t tile_columns() const { return (result_columns + tile - 1) / tile; }
  [[nodiscard]] int64_t tile_count() const { return batch * tile_rows() * tile_columns(); }
  [[nodiscard]] int64_t from_room() const { return (from_channels + lanes - 1) / lanes * lanes; }
  [[nodiscard]] int64_t to_room() const { return (to_channels + lanes - 1) / lanes * lanes; }
  /// Channels of the result that are computed at once.
  [[nodiscard]] int64_t panel() const { return panel_vectors * lanes; }
  [[nodiscard]] int64_t panel_count() const { return (to_channels + panel() - 1) / panel(); }
  [[nodiscard]] int64_t weight_count() const {
    return panel_count() * position_count() * from_channels * panel();
  }
};

/// Whether so many channels are convolved faster in this way, and with kernels in a form of no more
/// than 6 times their memory. Says the same for pictures of every size, so that a network's weights
/// are wanted in one form alone.
[[nodiscard]] bool suits_winograd(int64_t from_channels, int64_t to_channels, int64_t lanes);

/// Chooses what `shape` leaves open: the tiles, and the groups for `shape.thread_count` threads.
[[nodiscard]] WinogradPlan winograd_plan(WinogradPlan shape);

/// Kernels in the form that `convolve` takes.
///
/// in:  `kernels` [to_channels][from_channels][3][3]
/// out: `to` of `weight_count()`, [panel][position][from_channel][channel in the panel]
void transform_kernels(const WinogradPlan& plan, const float* kernels, std::span<float> to);

/// Numbers that `convolve` needs room for.
[[nodiscard]] int64_t winograd_scratch(const WinogradPlan& plan);

/// Convolves pictures `[batch][channels / lanes][row][column][lane]`.
///
/// in:  `from` and `to` in that layout, and different memory; `scratch` of `winograd_scratch`
/// error of a result: some 1e-6 (m = 4) or 1e-7 (m = 2) of the largest sum of |input| |kernel|. Of
///      the largest result that is 1e-5 and 3e-6 where inputs lie around 0, and without a limit
///      where the kernels take a large mean of the inputs off again
void convolve(const WinogradPlan& plan, const float* from, const float* weights,
              const ConvolutionTail& tail, float* scratch, float* to);

}  // namespace faceforge::nn
