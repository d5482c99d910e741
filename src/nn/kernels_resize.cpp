#include <algorithm>
#include <cmath>

#include "nn/kernels.h"

namespace faceforge::nn {
namespace {

float resized_coordinate(const Resize& resize, int64_t position, int64_t from, int64_t to,
                         float scale) {
  const auto at = static_cast<float>(position);
  switch (resize.coordinates) {
    case ResizeCoordinates::HalfPixel:
      return (at + 0.5F) / scale - 0.5F;
    case ResizeCoordinates::PytorchHalfPixel:
      return to > 1 ? (at + 0.5F) / scale - 0.5F : 0.0F;
    case ResizeCoordinates::AlignCorners:
      return to > 1 ? at * static_cast<float>(from - 1) / static_cast<float>(to - 1) : 0.0F;
    case ResizeCoordinates::Asymmetric:
      return at / scale;
    case ResizeCoordinates::TfHalfPixel:
      return (at + 0.5F) / scale;
  }
  return at;
}

float nearest(NearestMode mode, float at) {
  switch (mode) {
    case NearestMode::RoundPreferFloor:
      return std::ceil(at - 0.5F);
    case NearestMode::RoundPreferCeil:
      return std::floor(at + 0.5F);
    case NearestMode::Floor:
      return std::floor(at);
    case NearestMode::Ceil:
      return std::ceil(at);
  }
  return at;
}

/// Below this a pass takes less time than waking threads for it.
constexpr int64_t kParallelCount = 1 << 16;

bool is_exact(const ResizeAxis& axis) {
  return std::ranges::all_of(axis.weight, [](float weight) { return weight == 0; });
}

template <int64_t kBlock>
void copy_pixels(std::span<const int64_t> places, const float* from, float* to) {
  for (const int64_t place : places) to = std::copy_n(from + place * kBlock, kBlock, to);
}

/// A row whose pixels are those of `places`.
void copy_row(std::span<const int64_t> places, int64_t block, const float* from, float* to) {
  if (block == 1) return copy_pixels<1>(places, from, to);
  if (block == 8) return copy_pixels<8>(places, from, to);
  if (block == 16) return copy_pixels<16>(places, from, to);
  for (const int64_t place : places) to = std::copy_n(from + place * block, block, to);
}

/// A row between two, and its pixels between those of two columns.
void interpolate_row(const ResizeAxis& columns, int64_t block, const float* upper,
                     const float* lower, float down, float* to) {
  for (size_t column = 0; column < columns.low.size(); ++column) {
    const int64_t left = columns.low[column] * block;
    const int64_t right = columns.high[column] * block;
    const float along = columns.weight[column];
    for (int64_t channel = 0; channel < block; ++channel) {
      const float above =
          upper[left + channel] + (upper[right + channel] - upper[left + channel]) * along;
      const float below =
          lower[left + channel] + (lower[right + channel] - lower[left + channel]) * along;
      *to++ = above + (below - above) * down;
    }
  }
}

}  // namespace

ResizeAxis plan_resize_axis(const Resize& resize, int64_t from, int64_t to, float scale) {
  ResizeAxis axis;
  const auto last = static_cast<float>(from - 1);
  for (int64_t position = 0; position < to; ++position) {
    const float at = resized_coordinate(resize, position, from, to, scale);
    if (resize.mode == ResizeMode::Nearest) {
      const float source = std::clamp(nearest(resize.nearest, at), 0.0F, last);
      axis.low.push_back(static_cast<int64_t>(source));
      axis.high.push_back(axis.low.back());
      axis.weight.push_back(0);
    } else {
      const float inside = std::clamp(at, 0.0F, last);
      const float low = std::floor(inside);
      axis.low.push_back(static_cast<int64_t>(low));
      axis.high.push_back(std::min(axis.low.back() + 1, from - 1));
      axis.weight.push_back(inside - low);
    }
  }
  return axis;
}

ResizePictures plan_resize_pictures(const ResizeAxis& rows, const ResizeAxis& columns,
                                    const ChannelLayout& layout, int64_t from_columns) {
  ResizePictures plan{.rows = rows,
                      .columns = columns,
                      .planes = layout.batch * layout.block_count,
                      .from_rows = layout.pixels / from_columns,
                      .from_columns = from_columns,
                      .block = layout.block,
                      .copies = is_exact(rows) && is_exact(columns),
                      .runs = {}};
  const std::vector<int64_t>& low = plan.rows.low;
  for (size_t row = 0; row < low.size(); ++row) {
    if (!plan.copies || row == 0 || low[row] != low[row - 1]) plan.runs.push_back(row);
  }
  return plan;
}

void resize_pictures(const ResizePictures& plan, const float* from, float* to) {
  const auto run_count = static_cast<int64_t>(plan.runs.size());
  const auto row_count = static_cast<int64_t>(plan.rows.low.size());
  const int64_t from_size = plan.from_columns * plan.block;
  const int64_t to_size = static_cast<int64_t>(plan.columns.low.size()) * plan.block;
#pragma omp parallel for schedule(static) if (plan.planes * row_count * to_size > kParallelCount)
  for (int64_t index = 0; index < plan.planes * run_count; ++index) {
    const int64_t plane = index / run_count, run = index % run_count;
    const auto first = plan.runs[static_cast<size_t>(run)];
    const size_t end =
        run + 1 < run_count ? plan.runs[static_cast<size_t>(run) + 1] : plan.rows.low.size();
    const float* picture = from + plane * plan.from_rows * from_size;
    const float* upper = picture + plan.rows.low[first] * from_size;
    float* const row = to + (plane * row_count + static_cast<int64_t>(first)) * to_size;
    if (plan.copies) {
      copy_row(plan.columns.low, plan.block, upper, row);
    } else {
      interpolate_row(plan.columns, plan.block, upper, picture + plan.rows.high[first] * from_size,
                      plan.rows.weight[first], row);
    }
    for (size_t again = first + 1; again < end; ++again) {
      std::copy_n(row, to_size, row + static_cast<int64_t>(again - first) * to_size);
    }
  }
}

}  // namespace faceforge::nn
