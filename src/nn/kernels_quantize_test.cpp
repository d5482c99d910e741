// Floats to bytes and bytes into borders, against the formula, in numbers that floats hold exactly.

#include "nn/kernels_quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "nn/noise_test.h"

namespace faceforge::nn {
namespace {

/// In eighths, so that many fall between two bytes.
std::vector<float> eighths(int64_t count) {
  std::vector<float> numbers = noise(count, 5);
  for (float& number : numbers) number = std::round(number * 400) / 8;
  return numbers;
}

QuantizedPictures some_pictures(int64_t channels, int64_t block, int64_t rows, int64_t columns) {
  QuantizedPictures pictures{.from = {.batch = 2,
                                      .block_count = (channels + block - 1) / block,
                                      .pixels = rows * columns,
                                      .block = block},
                             .channels = channels,
                             .rows = rows,
                             .columns = columns,
                             .zero = 101};
  for (int64_t channel = 0; channel < pictures.from.channel_room(); ++channel) {
    pictures.scale.push_back(channel % 2 == 0 ? 0.5F : 2.0F);
    pictures.shift.push_back(static_cast<float>(channel % 5) * 0.25F);
    pictures.slope.push_back(channel % 3 == 0 ? 1.0F : static_cast<float>(channel % 3 - 1) * 0.5F);
  }
  return pictures;
}

int byte_of(const QuantizedPictures& pictures, const std::vector<float>& from, int64_t picture,
            int64_t row, int64_t column, int64_t channel) {
  const int64_t y = row - pictures.top, x = column - pictures.left;
  if (y < 0 || y >= pictures.taken_rows() || x < 0 || x >= pictures.taken_columns()) {
    return pictures.zero;
  }
  const ChannelLayout& layout = pictures.from;
  const int64_t plane = picture * layout.block_count + channel / layout.block;
  const int64_t at = (plane * layout.pixels + y * pictures.row_step * pictures.columns +
                      x * pictures.column_step) *
                         layout.block +
                     channel % layout.block;
  const auto index = static_cast<size_t>(channel);
  const double number = static_cast<double>(from[static_cast<size_t>(at)]);
  const double linear = number * pictures.scale[index] + pictures.shift[index];
  const double value = linear < 0 ? linear * pictures.slope[index] : linear;
  return static_cast<int>(std::clamp(std::nearbyint(value) + pictures.zero, 0.0, 255.0));
}

void expect_bytes(const QuantizedPictures& pictures, const std::vector<float>& from) {
  const auto size = static_cast<size_t>(quantized_bytes(pictures));
  std::vector<uint8_t> to(size + 64, 99);
  quantize_pictures(pictures, from.data(), to.data());
  size_t index = 0;
  for (int64_t picture = 0; picture < pictures.from.batch; ++picture) {
    for (int64_t row = 0; row < pictures.result_rows(); ++row) {
      for (int64_t column = 0; column < pictures.result_columns(); ++column) {
        for (int64_t channel = 0; channel < pictures.channels; ++channel, ++index) {
          ASSERT_EQ(to[index], byte_of(pictures, from, picture, row, column, channel))
              << pictures.channels << " channels in blocks of " << pictures.from.block << ", row "
              << row << ", column " << column << ", channel " << channel;
        }
      }
    }
  }
  ASSERT_EQ(index, size);
  EXPECT_TRUE(std::all_of(to.begin() + static_cast<std::ptrdiff_t>(size), to.end(),
                          [](uint8_t byte) { return byte == 99; }));
}

TEST(QuantizePictures, EveryNumberOfChannelsBlocksAndBordersGivesTheFormula) {
  for (const int64_t channels : {1, 3, 12, 16, 20, 24, 33, 48, 64, 70, 130}) {
    for (const int64_t block : {channels, int64_t{1}, int64_t{8}, int64_t{16}}) {
      for (const int64_t columns : {5, 43}) {
        QuantizedPictures pictures = some_pictures(channels, block, 3, columns);
        const std::vector<float> from = eighths(pictures.from.size());
        expect_bytes(pictures, from);
        pictures.top = pictures.right = 1;
        pictures.left = 2;
        expect_bytes(pictures, from);
        pictures.row_step = 2;
        pictures.column_step = 3;
        expect_bytes(pictures, from);
      }
    }
  }
}

TEST(QuantizePictures, WhatNoByteHoldsIsTheNearest) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const int64_t channels : {1, 16, 64}) {
    QuantizedPictures pictures = some_pictures(channels, channels, 2, 2);
    std::ranges::fill(pictures.slope, 1.0F);
    for (const float number : {kLargest, kInfinity, 1e10F, -1e10F, -kLargest, -kInfinity}) {
      expect_bytes(pictures, std::vector<float>(static_cast<size_t>(pictures.from.size()), number));
    }
  }
}

TEST(QuantizePictures, WhatIsNoNumberIsTheLeastByte) {
  constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const int64_t channels : {1, 16, 20, 64}) {
    QuantizedPictures pictures = some_pictures(channels, channels, 2, 5);
    for (const float slope : {0.0F, 0.5F, 1.0F}) {
      std::ranges::fill(pictures.slope, slope);
      // Less than nothing at all, times 0, is no number either.
      for (const float number : {kNoNumber, -kNoNumber, -kInfinity}) {
        const std::vector<float> from(static_cast<size_t>(pictures.from.size()), number);
        std::vector<uint8_t> to(static_cast<size_t>(quantized_bytes(pictures)), 99);
        quantize_pictures(pictures, from.data(), to.data());
        EXPECT_EQ(to, std::vector<uint8_t>(to.size(), 0))
            << number << " times " << slope << ", " << channels << " channels";
      }
    }
  }
}

TEST(CopyIntoBorder, EachPictureLiesInTheMiddleOfItsBorder) {
  const BorderedPictures pictures{.batch = 2,
                                  .channels = 3,
                                  .rows = 4,
                                  .columns = 5,
                                  .top = 1,
                                  .left = 2,
                                  .bottom = 3,
                                  .right = 4,
                                  .border = 200};
  std::vector<uint8_t> from(2 * 4 * 5 * 3);
  for (size_t index = 0; index < from.size(); ++index) from[index] = static_cast<uint8_t>(index);
  std::vector<uint8_t> expected;
  for (int64_t row = 0; row < 2 * 8; ++row) {
    for (int64_t column = 0; column < 11; ++column) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        const int64_t y = row % 8 - 1, x = column - 2;
        const bool is_inside = y >= 0 && y < 4 && x >= 0 && x < 5;
        const int64_t at = ((row / 8 * 4 + y) * 5 + x) * 3 + channel;
        expected.push_back(is_inside ? from[static_cast<size_t>(at)] : uint8_t{200});
      }
    }
  }
  std::vector<uint8_t> to(expected.size());
  copy_into_border(pictures, from.data(), to.data());
  EXPECT_EQ(to, expected);
}

}  // namespace
}  // namespace faceforge::nn
