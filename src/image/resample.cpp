#include "image/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"

// The compiler makes these passes for several instruction sets, and the loader picks one.
// Sanitizers run before the loader could pick.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACEFORGE_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FACEFORGE_VECTOR_CLONES
#endif

namespace faceforge::image {
namespace {

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(value + 0.5f);
}

// The grid of OpenCV's warpAffine: positions are summed in 1/1024 of a pixel, then rounded to 1/32.
constexpr int kPositionBits = 10;
constexpr int kFractionBits = 5;
constexpr int kFractions = 1 << kFractionBits;

int64_t to_position(double pixels) {
  // Far beyond any image, and far from overflow when two are added.
  constexpr double kLimit = 1e12;
  return std::llrint(std::clamp(pixels * (1 << kPositionBits), -kLimit, kLimit));
}

// A source coordinate as whole pixels and 32nds.
struct GridPosition {
  int64_t whole;
  int fraction;
};

GridPosition round_to_grid(int64_t position) {
  constexpr int kShift = kPositionBits - kFractionBits;
  const int64_t in_fractions = (position + (int64_t{1} << (kShift - 1))) >> kShift;
  return {in_fractions >> kFractionBits, static_cast<int>(in_fractions & (kFractions - 1))};
}

// The four pixels around a position, three bytes each.
struct Neighbours {
  const uint8_t* top_left;
  const uint8_t* top_right;
  const uint8_t* bottom_left;
  const uint8_t* bottom_right;
};

Neighbours neighbours(const Image& source, int64_t x, int64_t y) {
  static constexpr std::array<uint8_t, kChannels> kBlack{};
  const int64_t row_bytes = int64_t{source.width_px()} * kChannels;
  if (x >= 0 && y >= 0 && x + 1 < source.width_px() && y + 1 < source.height_px()) {
    const uint8_t* const top_left = source.pixels().data() + y * row_bytes + x * kChannels;
    return {top_left, top_left + kChannels, top_left + row_bytes, top_left + row_bytes + kChannels};
  }
  const auto pixel_or_black = [&](int64_t at_x, int64_t at_y) {
    const bool outside =
        at_x < 0 || at_y < 0 || at_x >= source.width_px() || at_y >= source.height_px();
    return outside ? kBlack.data() : source.row(static_cast<int>(at_y)).data() + at_x * kChannels;
  };
  return {pixel_or_black(x, y), pixel_or_black(x + 1, y), pixel_or_black(x, y + 1),
          pixel_or_black(x + 1, y + 1)};
}

// Mixes the four pixels around a position; the weights are exact in integers.
void sample_bilinear(const Image& source, const GridPosition& x, const GridPosition& y,
                     uint8_t* out) {
  const auto [top_left, top_right, bottom_left, bottom_right] =
      neighbours(source, x.whole, y.whole);
  constexpr int kHalf = kFractions * kFractions / 2;
  for (int c = 0; c < kChannels; ++c) {
    const int upper = top_left[c] * (kFractions - x.fraction) + top_right[c] * x.fraction;
    const int lower = bottom_left[c] * (kFractions - x.fraction) + bottom_right[c] * x.fraction;
    const int sum = upper * (kFractions - y.fraction) + lower * y.fraction;
    out[c] = static_cast<uint8_t>((sum + kHalf) >> (2 * kFractionBits));
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

// A row of `byte_count` bytes, weighed and added to (or, as the first, put into) a sum.
FACEFORGE_VECTOR_CLONES
void put_weighted(const uint8_t* row, size_t byte_count, float weight, float* sum) {
  for (size_t i = 0; i < byte_count; ++i) sum[i] = weight * static_cast<float>(row[i]);
}

FACEFORGE_VECTOR_CLONES
void add_weighted(const uint8_t* row, size_t byte_count, float weight, float* sum) {
  for (size_t i = 0; i < byte_count; ++i) sum[i] += weight * static_cast<float>(row[i]);
}

// One row, already as high as the result's and starting at source pixel `first_pixel`, brought to
// the widths of `runs`.
void resize_row(const float* source, int first_pixel, const AxisWeights& columns,
                std::span<const AxisWeights::Run> runs, float* out) {
  for (const AxisWeights::Run& run : runs) {
    const float* pixel = source + static_cast<size_t>(run.first - first_pixel) * kChannels;
    const float* weight = columns.weights.data() + run.weights_begin;
    float red = 0;
    float green = 0;
    float blue = 0;
    for (int i = 0; i < run.count; ++i, pixel += kChannels) {
      red += weight[i] * pixel[0];
      green += weight[i] * pixel[1];
      blue += weight[i] * pixel[2];
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
  std::vector<int64_t> column_x(static_cast<size_t>(width_px));
  std::vector<int64_t> column_y(static_cast<size_t>(width_px));
  for (int x = 0; x < width_px; ++x) {
    column_x[static_cast<size_t>(x)] = to_position(back.a * x);
    column_y[static_cast<size_t>(x)] = to_position(back.b * x);
  }
  for (int y = 0; y < height_px; ++y) {
    const int64_t row_x = to_position(-back.b * y + back.tx);
    const int64_t row_y = to_position(back.a * y + back.ty);
    uint8_t* pixel = output.row(y).data();
    for (size_t x = 0; x < column_x.size(); ++x, pixel += kChannels) {
      sample_bilinear(source, round_to_grid(row_x + column_x[x]),
                      round_to_grid(row_y + column_y[x]), pixel);
    }
  }
  return output;
}

void resize_rows(const Image& source, int width_px, int height_px, const PixelRectangle& part,
                 const TakeRow& take_row) {
  CHECK(part.x >= 0 && part.y >= 0 && part.width > 0 && part.height > 0);
  CHECK(part.x + part.width <= width_px && part.y + part.height <= height_px);
  const AxisWeights columns = axis_weights(source.width_px(), width_px);
  const AxisWeights rows = axis_weights(source.height_px(), height_px);
  const auto runs =
      std::span(columns.runs).subspan(static_cast<size_t>(part.x), static_cast<size_t>(part.width));
  const int first_pixel = runs.front().first;
  const int end_pixel = runs.back().first + runs.back().count;
  const size_t first_byte = static_cast<size_t>(first_pixel) * kChannels;
  std::vector<float> sum(static_cast<size_t>(end_pixel - first_pixel) * kChannels);
  std::vector<float> resized(static_cast<size_t>(part.width) * kChannels);
  // Heights first: that loop runs along whole rows, several values at a time.
  for (int y = 0; y < part.height; ++y) {
    const AxisWeights::Run& run = rows.runs[static_cast<size_t>(part.y + y)];
    const float* weight = rows.weights.data() + run.weights_begin;
    put_weighted(source.row(run.first).data() + first_byte, sum.size(), weight[0], sum.data());
    for (int i = 1; i < run.count; ++i) {
      add_weighted(source.row(run.first + i).data() + first_byte, sum.size(), weight[i],
                   sum.data());
    }
    resize_row(sum.data(), first_pixel, columns, runs, resized.data());
    take_row(y, resized);
  }
}

Image resize(const Image& source, int width_px, int height_px) {
  if (width_px == source.width_px() && height_px == source.height_px()) return source.clone();
  Image output = Image::create(width_px, height_px);
  resize_rows(source, width_px, height_px, {0, 0, width_px, height_px},
              [&output](int y, std::span<const float> rgb) {
                std::ranges::transform(rgb, output.row(y).begin(), to_byte);
              });
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
