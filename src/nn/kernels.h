#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/facts.h"
#include "nn/graph.h"

namespace faceforge::nn {

// What oneDNN does not do, or not fast. All of it works on numbers that the caller has sized.

/// How the channels of a picture lie in memory: `[batch][block_count][pixels][block]`. One formula
/// for planes (block 1), oneDNN's blocks of 8 or 16, and channels last (one block of them all).
/// Blocks may be padded with zeros beyond the last channel.
struct ChannelLayout {
  int64_t batch = 1;
  int64_t block_count = 1;
  int64_t pixels = 1;
  int64_t block = 1;

  [[nodiscard]] int64_t channel_room() const { return block_count * block; }
  [[nodiscard]] int64_t size() const { return batch * block_count * pixels * block; }
};

/// Joins every number with its channel's: `to = kind(from, channel)`. `from` and `to` may be the
/// same memory.
///
/// in:   `channels` has `channel_room()` numbers, after each picture moving on by `channels_step`
///       (0 when all pictures share them)
/// cost: one pass; threads share it when it is large
void join_channels(BinaryKind kind, const ChannelLayout& layout, const float* from,
                   const float* channels, int64_t channels_step, float* to);

/// `to = from * scale + shift`, channel by channel; as `join_channels`.
void scale_and_shift_channels(const ChannelLayout& layout, const float* from, const float* scale,
                              const float* shift, float* to);

/// Joins two tensors of the same layout number by number.
void join(BinaryKind kind, int64_t count, const float* a, const float* b, float* to);

/// Joins two row-major tensors with NumPy's broadcasting. Strides as of `broadcast_strides`.
void join_broadcast(BinaryKind kind, std::span<const int64_t> shape,
                    std::span<const int64_t> a_strides, std::span<const int64_t> b_strides,
                    const float* a, const float* b, float* to);

/// Applies a function of one number.
void apply(const Unary& unary, int64_t count, const float* from, float* to);

/// The mean or maximum of each channel's pixels; `to` is laid out as the same channels of one
/// pixel.
void pool_pixels(ReduceKind kind, const ChannelLayout& layout, const float* from, float* to);

/// Softmax over the middle of `[outer][size][inner]`.
void softmax(int64_t outer, int64_t size, int64_t inner, const float* from, float* to);

/// A reduction of row-major numbers: each of `shape` adds to the result found through `strides`.
struct ReducePlan {
  ReduceKind kind = ReduceKind::Mean;
  Shape shape;
  Shape strides;
  Shape result_strides;  ///< 0 along the axes that go
  int64_t result_count = 1;
};
[[nodiscard]] Result<ReducePlan> plan_reduce(const Node& node, const Reduce& reduce,
                                             std::span<const Fact> operands);
/// in: `sums` has room for `plan.result_count`
void reduce_plain(const ReducePlan& plan, const float* from, std::span<double> sums, float* to);

/// Where each position along a resized axis takes its numbers: `low` and `high` with the weight of
/// `high`. Nearest: the weight is 0.
struct ResizeAxis {
  std::vector<int64_t> low, high;
  std::vector<float> weight;
};
[[nodiscard]] ResizeAxis plan_resize_axis(const Resize& resize, int64_t from, int64_t to,
                                          float scale);

/// A resizing of pictures `[planes][rows][columns][block]`.
struct ResizePictures {
  ResizeAxis rows, columns;
  int64_t planes = 1;
  int64_t from_rows = 1, from_columns = 1;
  int64_t block = 1;
  bool copies = false;       ///< no number lies between others
  std::vector<size_t> runs;  ///< rows that are not copies of the one before
};
[[nodiscard]] ResizePictures plan_resize_pictures(const ResizeAxis& rows, const ResizeAxis& columns,
                                                  const ChannelLayout& layout,
                                                  int64_t from_columns);

void resize_pictures(const ResizePictures& plan, const float* from, float* to);

/// What our convolutions make of a sum of products x: `x + bias`, plus what lies in the result
/// where `adds_result`, and with `slopes` a number below 0 times its channel's slope.
struct ConvolutionTail {
  const float* bias = nullptr;  ///< a number for each channel, and zeros for the last panel's rest
  const float* slopes = nullptr;  ///< as `bias`, or null
  bool adds_result = false;
  /// Only the largest of each 2 x 2 results is written, to a picture half as high and wide:
  /// Winograd's alone, of pictures of even sizes, where nothing is added.
  bool halves = false;
};

/// The part of one window position that lies on the picture, along one axis.
struct Taps {
  int64_t first = 0;    ///< source index
  int64_t count = 0;    ///< on the picture
  int64_t counted = 0;  ///< on the picture or its pads, but not beyond them
};

/// One axis of a pooling; the neutral value is an axis of one position.
struct PoolAxis {
  int64_t size = 1;
  int64_t step = 1;
  std::vector<Taps> positions{{0, 1, 1}};
};

/// A pooling of row-major pictures of up to three dimensions.
struct PoolPlan {
  PoolKind kind = PoolKind::Max;
  std::array<PoolAxis, 3> axes;
  int64_t plane_count = 1;
};
[[nodiscard]] PoolPlan plan_pool(PoolKind kind, const PlacedWindow& window,
                                 std::span<const int64_t> picture_shape);

/// Pools in every way that ONNX knows.
void pool_plain(const PoolPlan& plan, const float* from, float* to);

/// The largest number of each window on pictures in blocks of 8 or 16 channels.
///
/// in: `plan` of as many planes as there are blocks, with two dimensions or fewer
void pool_blocks(const PoolPlan& plan, int64_t block, const float* from, float* to);

}  // namespace faceforge::nn
