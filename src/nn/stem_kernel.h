// Included once for each instruction set, by way of instruction_sets_kernel.h.

#include "nn/vectors_kernel.h"

/// Pixels that are computed at once: their sums and a row of the kernel stay in registers.
constexpr int kStemPixels = kLanes == 16 ? 16 : 10;

/// Floats that memory hands over at once.
constexpr int64_t kFetched = 16;

/// A row of the picture that a row of windows reads.
struct StemLine {
  const float* numbers;  ///< from the picture's left side on
  int64_t index;         ///< of its weights, in rows of a kernel
};

/// Those that lie on the picture.
struct StemLines {
  std::array<StemLine, kMostStemChannels * kStemKernel> lines;
  size_t count = 0;
};

StemLines stem_lines(const StemPlan& plan, const float* planes, int64_t row) {
  StemLines list;
  const int64_t top = row * plan.strides[0] - plan.pads[0];
  for (int64_t channel = 0; channel < plan.from_channels; ++channel) {
    for (int64_t down = 0; down < kStemKernel; ++down) {
      const int64_t y = top + down;
      if (y < 0 || y >= plan.picture[0]) continue;
      const float* numbers = planes + (channel * plan.picture[0] + y) * plan.picture[1];
      list.lines[list.count++] = {numbers, channel * kStemKernel + down};
    }
  }
  return list;
}

/// A vector of channels, and where it goes.
template <typename Number>
struct StemVector {
  const float* weights;
  Vector bias, slopes;
  bool scales;    ///< what is below 0, by its slope
  Vector levels;  ///< of bytes, that a number of 1 is above one of 0
  Vector lowest, highest;
  int32_t zero;
  int64_t count;  ///< of the vector's channels
  Number* to;     ///< of the row's first pixel
};

/// Adds what a line gives pixels beside each other, whose windows lie between the picture's sides.
///
/// in: `numbers` from the first's window on. Each is read once, for all windows that it is in:
///     otherwise reading takes longer than multiplying
template <int kStride>
FACEFORGE_INLINE void add_line(const float* numbers, const float* weights,
                               Vector (&sums)[kStemPixels]) {
  constexpr int kReach = (kStemPixels - 1) * kStride + kStemKernel;
  // Else the compiler keeps in registers how far each number is from the line's beginning.
  asm("" : "+r"(numbers));
  Vector kernels[kStemKernel];
#pragma GCC unroll 3
  for (int tap = 0; tap < kStemKernel; ++tap) kernels[tap] = load(weights + tap * kLanes);
#pragma GCC unroll 40
  for (int x = 0; x < kReach; ++x) {
    const float number = numbers[x];
#pragma GCC unroll 3
    for (int tap = 0; tap < kStemKernel; ++tap) {
      const int pixel = (x - tap) / kStride;
      if (x < tap || (x - tap) % kStride != 0 || pixel >= kStemPixels) continue;
      sums[pixel] += number * kernels[tap];
    }
  }
}

FACEFORGE_INLINE void write(const Vector& number, const StemVector<float>& /*vector*/, float* to) {
  store(number, to);
}

/// As `quantize_pictures`: what is no number is the least byte.
FACEFORGE_INLINE void write(const Vector& number, const StemVector<uint8_t>& vector, uint8_t* to) {
  using Integers = int32_t __attribute__((vector_size(sizeof(Vector))));
  using Bytes = uint8_t __attribute__((vector_size(kLanes)));
  using AnyBytes [[gnu::may_alias, gnu::aligned(1)]] = Bytes;
  const Vector level = number * vector.levels;
  // What is no number is above nothing.
  const Vector low = level > vector.lowest ? level : vector.lowest;
  const Vector bounded = low < vector.highest ? low : vector.highest;
  // A number so large has no binary places left: adding it rounds, to even where it is a half. Of
  // the sum's bits the last eight are those of the level.
  const Vector rounded = bounded + 12582912.0F;
  const Integers bits = reinterpret_cast<Integers>(rounded) + vector.zero;
  *reinterpret_cast<AnyBytes*>(to) = __builtin_convertvector(bits, Bytes);
}

template <typename Number>
FACEFORGE_INLINE Vector stem_result(const StemVector<Number>& vector, const Vector& sum) {
  if (!vector.scales) return sum;
  return sum > Vector{} ? sum : sum * vector.slopes;
}

/// Pixels beside each other from `column` on, whose windows lie between the picture's sides.
///
/// out: whole vectors, which reach into the next pixels' places where the channels do not fill them
template <int kStride, typename Number>
void convolve_stem_pixels(const StemPlan& plan, const StemLines& list,
                          const StemVector<Number>& vector, int64_t column) {
  Vector sums[kStemPixels];
#pragma GCC unroll 16
  for (Vector& sum : sums) sum = vector.bias;
  const int64_t rows_ahead = 2 * plan.strides[0] * plan.picture[1];
  for (size_t index = 0; index < list.count; ++index) {
    const StemLine& line = list.lines[index];
    const float* numbers = line.numbers + column * kStride - plan.pads[1];
    // A picture comes from memory, in rows too short for the processor to see what comes next.
    for (int64_t x = 0; x < kStemPixels * kStride; x += kFetched) {
      __builtin_prefetch(numbers + rows_ahead + x);
    }
    add_line<kStride>(numbers, vector.weights + line.index * kStemKernel * kLanes, sums);
  }
  if (vector.scales) {
#pragma GCC unroll 16
    for (Vector& sum : sums) sum = stem_result(vector, sum);
  }
  const int64_t step = plan.pixel_step();
  Number* to = vector.to + column * step;
#pragma GCC unroll 16
  for (const Vector& sum : sums) {
    write(sum, vector, to);
    to += step;
  }
}

/// One pixel, wherever its window lies; no more than its channels are written.
template <typename Number>
void convolve_stem_pixel(const StemPlan& plan, const StemLines& list,
                         const StemVector<Number>& vector, int64_t column) {
  const int64_t left = column * plan.strides[1] - plan.pads[1];
  Vector sum = vector.bias;
  for (size_t index = 0; index < list.count; ++index) {
    const StemLine& line = list.lines[index];
    const float* weights = vector.weights + line.index * kStemKernel * kLanes;
    for (int64_t tap = 0; tap < kStemKernel; ++tap) {
      const int64_t x = left + tap;
      if (x < 0 || x >= plan.picture[1]) continue;
      sum += line.numbers[x] * load(weights + tap * kLanes);
    }
  }
  alignas(64) Number numbers[kLanes];
  write(stem_result(vector, sum), vector, numbers);
  std::copy_n(numbers, vector.count, vector.to + column * plan.pixel_step());
}

/// One vector of channels of a row.
template <int kStride, typename Number>
void convolve_stem_vector(const StemPlan& plan, const StemLines& list,
                          const StemVector<Number>& vector) {
  const int64_t columns = plan.result[1];
  // The last pixels whose vectors would reach beyond the row, which may be another thread's.
  const int64_t reach = (kLanes - vector.count + plan.to_channels - 1) / plan.to_channels;
  const int64_t last = plan.picture[1] - kStemKernel + plan.pads[1];
  const int64_t begin = (plan.pads[1] + kStride - 1) / kStride;
  const int64_t end = last < 0 ? 0 : std::min(columns - reach, last / kStride + 1);
  for (int64_t column = 0; column < columns;) {
    if (column < begin || column >= end || end - begin < kStemPixels) {
      convolve_stem_pixel(plan, list, vector, column++);
    } else {
      // The last of them are computed with some before them once more.
      const int64_t first = std::min(column, end - kStemPixels);
      convolve_stem_pixels<kStride>(plan, list, vector, first);
      column = first + kStemPixels;
    }
  }
}

/// One row of the result of one picture.
template <typename Number>
void convolve_stem_row(const StemPlan& plan, const float* planes, const float* weights,
                       const ConvolutionTail& tail, int64_t row, Number* to) {
  const auto convolve =
      plan.strides[1] == 1 ? convolve_stem_vector<1, Number> : convolve_stem_vector<2, Number>;
  const StemLines list = stem_lines(plan, planes, row);
  to += row * plan.result[1] * plan.pixel_step();
  // From the last on: what it writes into the next pixel's first is written over.
  for (int64_t index = plan.vector_count(); index-- > 0;) {
    const int64_t channel = index * kLanes;
    const bool scales = tail.slopes != nullptr;
    convolve(plan, list,
             {.weights = weights + plan.tap_count() * channel,
              .bias = load(tail.bias + channel),
              .slopes = scales ? load(tail.slopes + channel) : Vector{},
              .scales = scales,
              .levels = Vector{} + 1 / plan.bytes.scale,
              .lowest = Vector{} + static_cast<float>(-plan.bytes.zero),
              .highest = Vector{} + static_cast<float>(255 - plan.bytes.zero),
              .zero = plan.bytes.zero,
              .count = plan.is_channels_last ? std::min<int64_t>(kLanes, plan.to_channels - channel)
                                             : int64_t{kLanes},
              .to = to + index * plan.vector_step()});
  }
}
