#include "image/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace faceforge::image {
namespace {

// The pixel at (x, y) as three floats; black outside.
std::array<float, kChannels> pixel_or_black(const Image& source, int x, int y) {
  if (x < 0 || y < 0 || x >= source.width_px() || y >= source.height_px()) return {};
  const uint8_t* pixel = source.row(y).data() + static_cast<size_t>(x) * kChannels;
  return {static_cast<float>(pixel[0]), static_cast<float>(pixel[1]), static_cast<float>(pixel[2])};
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(value + 0.5f);
}

// Mixes the four pixels around (x, y); the caller has checked that they touch the source.
void sample_bilinear(const Image& source, double x, double y, uint8_t* out) {
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const float right_weight = static_cast<float>(x - left);
  const float bottom_weight = static_cast<float>(y - top);
  const bool inside =
      left >= 0 && top >= 0 && left + 1 < source.width_px() && top + 1 < source.height_px();
  const auto mix = [&](float top_left, float top_right, float bottom_left, float bottom_right) {
    const float upper = top_left + (top_right - top_left) * right_weight;
    const float lower = bottom_left + (bottom_right - bottom_left) * right_weight;
    return to_byte(upper + (lower - upper) * bottom_weight);
  };
  if (inside) {
    const uint8_t* upper = source.row(top).data() + static_cast<size_t>(left) * kChannels;
    const uint8_t* lower = source.row(top + 1).data() + static_cast<size_t>(left) * kChannels;
    for (int c = 0; c < kChannels; ++c) {
      out[c] = mix(upper[c], upper[c + kChannels], lower[c], lower[c + kChannels]);
    }
    return;
  }
  const auto top_left = pixel_or_black(source, left, top);
  const auto top_right = pixel_or_black(source, left + 1, top);
  const auto bottom_left = pixel_or_black(source, left, top + 1);
  const auto bottom_right = pixel_or_black(source, left + 1, top + 1);
  for (size_t c = 0; c < kChannels; ++c) {
    out[c] = mix(top_left[c], top_right[c], bottom_left[c], bottom_right[c]);
  }
}

// For one axis: which source pixels make up each result pixel, and how much of each. The weights
// of a result pixel sum to 1.
struct AxisWeights {
  struct Run {
    int first = 0;  // source pixel
    int count = 0;  // how many, from there on
    size_t weights_begin = 0;
  };
  std::vector<Run> runs;
  std::vector<float> weights;
};

// The part of each source pixel that lies inside of [begin, end).
void add_area_run(AxisWeights& axis, double begin, double end, int source_size) {
  const int first = std::min(static_cast<int>(begin), source_size - 1);
  const int last = std::clamp(static_cast<int>(std::ceil(end)) - 1, first, source_size - 1);
  axis.runs.push_back({first, last - first + 1, axis.weights.size()});
  for (int i = first; i <= last; ++i) {
    const double covered = std::min<double>(end, i + 1) - std::max<double>(begin, i);
    axis.weights.push_back(static_cast<float>(std::max(covered, 0.0) / (end - begin)));
  }
}

void add_bilinear_run(AxisWeights& axis, double centre, int source_size) {
  const double clamped = std::clamp(centre, 0.0, static_cast<double>(source_size - 1));
  const int first = std::min(static_cast<int>(clamped), std::max(source_size - 2, 0));
  const auto second_weight = static_cast<float>(clamped - first);
  axis.runs.push_back({first, source_size == 1 ? 1 : 2, axis.weights.size()});
  axis.weights.push_back(1 - second_weight);
  if (source_size > 1) axis.weights.push_back(second_weight);
}

AxisWeights axis_weights(int source_size, int result_size) {
  AxisWeights axis;
  axis.runs.reserve(static_cast<size_t>(result_size));
  const double step = static_cast<double>(source_size) / result_size;
  for (int i = 0; i < result_size; ++i) {
    if (step > 1) {
      add_area_run(axis, i * step, (i + 1) * step, source_size);
    } else {
      add_bilinear_run(axis, (i + 0.5) * step - 0.5, source_size);
    }
  }
  return axis;
}

// One source row at the result's width.
void resize_row(std::span<const uint8_t> source, const AxisWeights& columns, float* out) {
  for (const AxisWeights::Run& run : columns.runs) {
    const uint8_t* pixel = source.data() + static_cast<size_t>(run.first) * kChannels;
    const float* weight = columns.weights.data() + run.weights_begin;
    float red = 0;
    float green = 0;
    float blue = 0;
    for (int i = 0; i < run.count; ++i, pixel += kChannels) {
      red += weight[i] * static_cast<float>(pixel[0]);
      green += weight[i] * static_cast<float>(pixel[1]);
      blue += weight[i] * static_cast<float>(pixel[2]);
    }
    *out++ = red;
    *out++ = green;
    *out++ = blue;
  }
}

}  // namespace

Image warp_similarity(const Image& source, const SimilarityTransform& source_to_output,
                      int width_px, int height_px) {
  CHECK(source_to_output.scale() > 0);
  const SimilarityTransform back = source_to_output.inverse();
  Image output = Image::create(width_px, height_px);
  for (int y = 0; y < height_px; ++y) {
    uint8_t* pixel = output.row(y).data();
    for (int x = 0; x < width_px; ++x, pixel += kChannels) {
      const double source_x = back.a * x - back.b * y + back.tx;
      const double source_y = back.b * x + back.a * y + back.ty;
      // Written so that a NaN is outside. Beyond one pixel from the border nothing contributes.
      const bool touches = source_x > -1 && source_y > -1 && source_x < source.width_px() &&
                           source_y < source.height_px();
      if (touches) sample_bilinear(source, source_x, source_y, pixel);
    }
  }
  return output;
}

Image resize(const Image& source, int width_px, int height_px) {
  if (width_px == source.width_px() && height_px == source.height_px()) return source.clone();
  Image output = Image::create(width_px, height_px);
  const AxisWeights columns = axis_weights(source.width_px(), width_px);
  const AxisWeights rows = axis_weights(source.height_px(), height_px);
  const size_t row_values = static_cast<size_t>(width_px) * kChannels;
  // Neighbouring result rows share at most two source rows: the two resized last are kept.
  std::array<std::vector<float>, 2> kept{std::vector<float>(row_values),
                                         std::vector<float>(row_values)};
  std::array<int, 2> kept_y{-1, -1};
  std::vector<float> sum(row_values);
  for (int y = 0; y < height_px; ++y) {
    const AxisWeights::Run& run = rows.runs[static_cast<size_t>(y)];
    std::ranges::fill(sum, 0.0f);
    for (int i = 0; i < run.count; ++i) {
      const int source_y = run.first + i;
      const auto slot = static_cast<size_t>(source_y % 2);
      if (kept_y[slot] != source_y) {
        resize_row(source.row(source_y), columns, kept[slot].data());
        kept_y[slot] = source_y;
      }
      const float weight = rows.weights[run.weights_begin + static_cast<size_t>(i)];
      for (size_t v = 0; v < row_values; ++v) sum[v] += weight * kept[slot][v];
    }
    std::ranges::transform(sum, output.row(y).begin(), to_byte);
  }
  return output;
}

Image crop(const Image& source, const PixelRectangle& rectangle) {
  Image output = Image::create(rectangle.width, rectangle.height);
  // In 64 bits, because a foreign rectangle may lie anywhere.
  const auto overlap = [](int64_t begin, int64_t size, int64_t source_size) {
    const int64_t first = std::clamp<int64_t>(begin, 0, source_size);
    const int64_t last = std::clamp<int64_t>(begin + size, first, source_size);
    return std::pair(first, last);
  };
  const auto [left, right] = overlap(rectangle.x, rectangle.width, source.width_px());
  const auto [top, bottom] = overlap(rectangle.y, rectangle.height, source.height_px());
  if (left == right) return output;
  for (int64_t y = top; y < bottom; ++y) {
    const auto from = source.row(static_cast<int>(y))
                          .subspan(static_cast<size_t>(left * kChannels),
                                   static_cast<size_t>((right - left) * kChannels));
    const auto to = output.row(static_cast<int>(y - rectangle.y));
    std::ranges::copy(from, to.begin() + (left - rectangle.x) * kChannels);
  }
  return output;
}

Image pad(const Image& source, int width_px, int height_px) {
  CHECK(width_px >= source.width_px() && height_px >= source.height_px());
  return crop(source, {.x = 0, .y = 0, .width = width_px, .height = height_px});
}

Image flip_horizontally(const Image& source) {
  Image output = Image::create(source.width_px(), source.height_px());
  for (int y = 0; y < source.height_px(); ++y) {
    const uint8_t* from = source.row(y).data();
    uint8_t* to = output.row(y).data() + output.row(y).size();
    for (int x = 0; x < source.width_px(); ++x, from += kChannels) {
      to -= kChannels;
      std::memcpy(to, from, kChannels);
    }
  }
  return output;
}

}  // namespace faceforge::image
