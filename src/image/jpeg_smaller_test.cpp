#include "image/internal/jpeg_smaller.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <jpeglib.h>

#include "base/file.h"
#include "image/image.h"
#include "image/internal/codec.h"
#include "support/test_data.h"

// What is expected comes from libjpeg-turbo, by way of libvips.

namespace faceforge::image::internal {
namespace {

using File = std::vector<std::byte>;

constexpr std::array<int, 3> kDivisors{2, 4, 8};

/// Edges, slopes and noise, as much of each as a photo has; the bottom quarter is flat.
Image scene(int width_px, int height_px) {
  std::minstd_rand random(7);
  Image image = Image::create(width_px, height_px);
  for (int y = 0; y < height_px; ++y) {
    const auto row = image.row(y);
    for (int x = 0; x < width_px; ++x) {
      const double wave = std::sin(x * 0.013) * std::cos(y * 0.017) * 90;
      const int edge = (x / 57 + y / 43) % 5 == 0 ? 70 : 0;
      for (int channel = 0; channel < kChannels; ++channel) {
        const int noise = static_cast<int>(random() % 25);
        const int value = 90 + static_cast<int>(wave * (channel + 1) / 3) + edge + noise;
        row[static_cast<size_t>(x * kChannels + channel)] =
            static_cast<uint8_t>(y > height_px * 3 / 4 ? 200 : std::clamp(value, 0, 255));
      }
    }
  }
  return image;
}

/// By libvips' saver with its options, as `[Q=89]`; grey where `is_grey`.
File saved(const Image& image, const std::string& options, bool is_grey = false) {
  ImagePointer view = view_of(image);
  if (is_grey) {
    view = run([&](VipsImage** out) {
      return vips_colourspace(view.get(), out, VIPS_INTERPRETATION_B_W, nullptr);
    });
  }
  void* buffer = nullptr;
  size_t size = 0;
  EXPECT_EQ(
      vips_image_write_to_buffer(view.get(), (".jpg" + options).c_str(), &buffer, &size, nullptr),
      0)
      << take_codec_words();
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  File file(bytes, bytes + size);
  g_free(buffer);
  return file;
}

/// Of 4:2:2, which libvips does not save.
File saved_as_422(const Image& image) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width_px());
  jpeg.image_height = static_cast<JDIMENSION>(image.height_px());
  jpeg.input_components = kChannels;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 88, TRUE);
  jpeg.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < image.height_px(); ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(image.row(y).data());
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const auto* const bytes = reinterpret_cast<const std::byte*>(buffer);
  File file(bytes, bytes + size);
  std::free(buffer);
  return file;
}

std::vector<uint8_t> by_libjpeg(const File& file, int divisor) {
  auto* const data = const_cast<void*>(static_cast<const void*>(file.data()));
  ImagePointer loaded = run([&](VipsImage** out) {
    return vips_jpegload_buffer(data, file.size(), out, "shrink", divisor, nullptr);
  });
  loaded = run([&](VipsImage** out) {
    return vips_colourspace(loaded.get(), out, VIPS_INTERPRETATION_sRGB, nullptr);
  });
  size_t size = 0;
  void* const pixels = vips_image_write_to_memory(loaded.get(), &size);
  const auto* const bytes = static_cast<const uint8_t*>(pixels);
  std::vector<uint8_t> result(bytes, bytes + size);
  g_free(pixels);
  return result;
}

/// The greatest difference of a pixel; 256 for another size, -1 where it was not decoded.
int difference(const std::optional<SmallerJpeg>& smaller, const std::vector<uint8_t>& expected) {
  if (!smaller) return -1;
  const auto pixels = smaller->image.pixels();
  if (pixels.size() != expected.size()) return 256;
  int most = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    most = std::max(most, std::abs(pixels[i] - expected[i]));
  }
  return most;
}

bool is_decoded_at_all() {
  return decode_jpeg_smaller(saved(scene(64, 64), ""), 2, 1).has_value();
}

class JpegSmaller : public testing::Test {
 protected:
  void SetUp() override {
    start_codec_library();
    if (!is_decoded_at_all())
      GTEST_SKIP() << "this processor has no AVX2: libvips decodes all JPEG files";
  }
};

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWhateverTheSizeTheColoursAndTheThreads) {
  for (const auto& [width_px, height_px] : {std::pair{1601, 1203}, {640, 480}, {17, 9}, {8, 33}}) {
    const Image image = scene(width_px, height_px);
    for (const char* options :
         {"[Q=89]", "[Q=95]", "[Q=40]", "[Q=100]", "[Q=80,optimize_coding]"}) {
      for (const bool is_grey : {false, true}) {
        const File file = saved(image, options, is_grey);
        for (const int divisor : kDivisors) {
          const auto expected = by_libjpeg(file, divisor);
          for (const int thread_count : {1, 2, 3, 7}) {
            EXPECT_EQ(difference(decode_jpeg_smaller(file, divisor, thread_count), expected), 0)
                << width_px << " x " << height_px << options << (is_grey ? " grey" : "") << " / "
                << divisor << ", " << thread_count << " threads";
          }
        }
      }
    }
  }
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWithRestartIntervals) {
  const Image image = scene(1003, 602);
  // In units of 16 x 16 and, of the second file, 8 x 8: within a row, a row, and across rows.
  for (const char* options : {"[Q=85,restart_interval=1]", "[Q=95,restart_interval=5]",
                              "[Q=85,restart_interval=63]", "[Q=85,restart_interval=100]"}) {
    const File file = saved(image, options);
    for (const int divisor : kDivisors) {
      const auto expected = by_libjpeg(file, divisor);
      for (const int thread_count : {1, 2, 5}) {
        const auto smaller = decode_jpeg_smaller(file, divisor, thread_count);
        EXPECT_EQ(difference(smaller, expected), 0)
            << options << " / " << divisor << ", " << thread_count << " threads";
        EXPECT_EQ(smaller && smaller->read_ahead_count > 0, thread_count > 1) << options;
      }
    }
  }
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWithHalfAsManyColoursARow) {
  for (const int width_px : {1000, 1001, 1002, 1003, 1017, 19}) {
    const File file = saved_as_422(scene(width_px, 603));
    for (const int divisor : kDivisors) {
      const auto expected = by_libjpeg(file, divisor);
      for (const int thread_count : {1, 3}) {
        EXPECT_EQ(difference(decode_jpeg_smaller(file, divisor, thread_count), expected), 0)
            << width_px << " / " << divisor << ", " << thread_count << " threads";
      }
    }
  }
}

TEST_F(JpegSmaller, ARestartMarkerThatIsMissingOrOneTooManyIsLeftToLibjpeg) {
  File file = saved(scene(320, 240), "[Q=85,restart_interval=5]");
  ASSERT_TRUE(decode_jpeg_smaller(file, 2, 2));
  const auto is_marker = [](std::byte first, std::byte second) {
    return first == std::byte{0xFF} && second == std::byte{0xD2};
  };
  const auto marker = std::ranges::adjacent_find(file, is_marker);
  ASSERT_NE(marker, file.end());
  File without = file;
  without.erase(without.begin() + (marker - file.begin()),
                without.begin() + (marker - file.begin()) + 2);
  EXPECT_FALSE(decode_jpeg_smaller(without, 2, 2));
  File renamed = file;
  renamed[static_cast<size_t>(marker - file.begin()) + 1] = std::byte{0xD3};
  EXPECT_FALSE(decode_jpeg_smaller(renamed, 2, 2));
  // Without the interval the markers stand for nothing.
  const auto is_interval = [](std::byte first, std::byte second) {
    return first == std::byte{0xFF} && second == std::byte{0xDD};
  };
  const auto interval = std::ranges::adjacent_find(file, is_interval);
  ASSERT_NE(interval, file.end());
  file[static_cast<size_t>(interval - file.begin()) + 5] = std::byte{0};
  EXPECT_FALSE(decode_jpeg_smaller(file, 2, 2));
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegForPhotos) {
  const auto data = test::test_data();
  if (!data) GTEST_SKIP() << "no test data";
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*data / "lfw")) {
    if (entry.path().extension() != ".jpg" || ++count % 97 != 0) continue;
    const File file = read_file(entry.path(), size_t{1} << 24).value();
    for (const int divisor : kDivisors) {
      const auto expected = by_libjpeg(file, divisor);
      EXPECT_EQ(difference(decode_jpeg_smaller(file, divisor, 1), expected), 0) << divisor;
      EXPECT_EQ(difference(decode_jpeg_smaller(file, divisor, 4), expected), 0) << divisor;
    }
  }
  EXPECT_GT(count, 97U);
}

TEST_F(JpegSmaller, SeveralThreadsReadEqualSharesOfIt) {
  const File file = saved(scene(2400, 1800), "[Q=92]");
  const auto share = [&](int thread_count) {
    const auto smaller = decode_jpeg_smaller(file, 2, thread_count);
    return smaller ? static_cast<double>(smaller->read_ahead_count) /
                         static_cast<double>(smaller->unit_count)
                   : -1;
  };
  EXPECT_EQ(share(1), 0);
  // A little less than all but the first part: until the readers are in step, and to ends of rows.
  // By bytes, of which the flat quarter has few.
  EXPECT_GT(share(2), 0.4);
  EXPECT_GT(share(4), 0.7);
}

// Nothing in a flat picture says at which block of a unit a reader is: it never gets in step.
TEST_F(JpegSmaller, APictureThatNeverBringsReadersInStepIsTheSameToo) {
  Image flat = Image::create(4000, 3000);
  std::ranges::fill(flat.pixels(), 180);
  for (const char* options : {"[Q=89]", "[Q=89,optimize_coding]"}) {
    const File file = saved(flat, options);
    EXPECT_EQ(difference(decode_jpeg_smaller(file, 2, 3), by_libjpeg(file, 2)), 0);
  }
}

TEST_F(JpegSmaller, OtherKindsOfJpegAreLeftToLibjpeg) {
  const Image image = scene(400, 300);
  EXPECT_FALSE(decode_jpeg_smaller(saved(image, "[interlace]"), 2, 2));
  File file = saved(image, "[Q=95]");
  const auto at_marker = [&](unsigned marker) {
    for (size_t at = 2; at + 4 < file.size();) {
      if (std::to_integer<unsigned>(file[at + 1]) == marker) return at;
      at +=
          2 + (std::to_integer<size_t>(file[at + 2]) << 8) + std::to_integer<size_t>(file[at + 3]);
    }
    return size_t{0};
  };
  const size_t frame = at_marker(0xC0);
  const size_t scan = at_marker(0xDA);
  ASSERT_GT(frame, 0U);
  ASSERT_GT(scan, 0U);
  ASSERT_TRUE(decode_jpeg_smaller(file, 2, 2));
  const auto is_read_with = [&](size_t at, unsigned value) {
    File changed = file;
    changed[at] = static_cast<std::byte>(value);
    return decode_jpeg_smaller(changed, 2, 2).has_value();
  };
  EXPECT_FALSE(is_read_with(frame + 1, 0xC1)) << "an extended frame";
  EXPECT_FALSE(is_read_with(frame + 1, 0xC9)) << "arithmetic codes";
  EXPECT_FALSE(is_read_with(frame + 4, 12)) << "12 bits";
  EXPECT_FALSE(is_read_with(frame + 11, 0x41)) << "4:1:1";
  EXPECT_FALSE(is_read_with(frame + 11, 0x12)) << "4:4:0";
  EXPECT_FALSE(is_read_with(frame + 12, 4)) << "a quantization table that does not exist";
  EXPECT_FALSE(is_read_with(scan + 6, 0x33)) << "Huffman tables that do not exist";
  EXPECT_FALSE(is_read_with(scan + 11, 5)) << "a part of the spectrum";
  EXPECT_FALSE(is_read_with(scan + 5, 9)) << "a component that does not exist";
}

TEST_F(JpegSmaller, ADamagedFileIsLeftToLibjpegOrHasPixels) {
  const Image image = scene(320, 240);
  const File file = saved(image, "[Q=85]");
  std::minstd_rand random(11);
  size_t left_count = 0;
  for (int round = 0; round < 3000; ++round) {
    File damaged = file;
    const size_t changes = 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    }
    if (round % 5 == 0) damaged.resize(random() % damaged.size());
    const auto smaller = decode_jpeg_smaller(damaged, kDivisors[random() % 3], 1 + round % 4);
    if (!smaller) ++left_count;
  }
  EXPECT_GT(left_count, 1000U);
}

TEST_F(JpegSmaller, AFileThatIsCutShortIsLeftToLibjpeg) {
  const File file = saved(scene(320, 240), "[Q=85]");
  for (size_t size = 0; size < file.size(); size += 7) {
    EXPECT_FALSE(decode_jpeg_smaller(std::span(file).first(size), 2, 3)) << size;
  }
}

}  // namespace
}  // namespace faceforge::image::internal
