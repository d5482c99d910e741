#include "image/internal/jpeg_smaller.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numbers>
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
constexpr int kBlock_px = 8;

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

/// By libjpeg itself, for what libvips does not save; `set(jpeg)` says how.
template <typename Set>
File saved_with(const Image& image, const Set& set) {
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
  set(jpeg);
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

/// Where the marker of a segment stands; the one it starts with is 0xFF.
size_t marker_at(const File& file, unsigned marker) {
  for (size_t at = 2; at + 4 < file.size();) {
    if (std::to_integer<unsigned>(file[at + 1]) == marker) return at;
    at += 2 + (std::to_integer<size_t>(file[at + 2]) << 8) + std::to_integer<size_t>(file[at + 3]);
  }
  ADD_FAILURE() << "no marker " << marker;
  return 0;
}

/// Where the coded bytes begin.
size_t scan_at(const File& file) {
  const size_t at = marker_at(file, 0xDA);
  return at + 2 + std::to_integer<size_t>(file[at + 3]);
}

/// Whether libjpeg reads all of it without a warning.
bool is_whole(const File& file) {
  auto* const data = const_cast<void*>(static_cast<const void*>(file.data()));
  const ImagePointer loaded = run([&](VipsImage** out) {
    return vips_jpegload_buffer(data, file.size(), out, "fail_on", VIPS_FAIL_ON_WARNING, nullptr);
  });
  const ImagePointer pixels(loaded ? vips_image_copy_memory(loaded.get()) : nullptr);
  (void)take_codec_words();
  return pixels != nullptr;
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

TEST_F(JpegSmaller, HasThePixelsOfLibjpegInManyShortRounds) {
  const Image image = scene(803, 602);
  for (const char* options : {"[Q=89]", "[Q=95]", "[Q=70,restart_interval=17]"}) {
    const File file = saved(image, options);
    const auto expected = by_libjpeg(file, 2);
    for (const size_t part_bytes : {1, 20, 300, 3000}) {
      for (const int thread_count : {2, 3, 8}) {
        EXPECT_EQ(difference(decode_jpeg_smaller(file, 2, thread_count, part_bytes), expected), 0)
            << options << ' ' << part_bytes << ", " << thread_count << " threads";
      }
    }
  }
}

// The longest values that there are, behind codes of one bit: they are found by one look.
TEST_F(JpegSmaller, HasThePixelsOfLibjpegForLongValuesBehindTheShortestCode) {
  Image waves = Image::create(800, 600);
  for (int y = 0; y < waves.height_px(); ++y) {
    for (int x = 0; x < waves.width_px(); ++x) {
      const int block = x / kBlock_px + y / kBlock_px;
      const double height = (block % 2 == 0 ? 1 : -1) * (90.5 + block % 37);
      const double wave = std::cos((2 * (x % kBlock_px) + 1) * std::numbers::pi / 16) * height;
      std::ranges::fill(waves.row(y).subspan(static_cast<size_t>(x * kChannels), kChannels),
                        static_cast<uint8_t>(std::clamp(std::lround(128 + wave), 0L, 255L)));
    }
  }
  const File file = saved_with(waves, [](jpeg_compress_struct& jpeg) {
    jpeg_set_colorspace(&jpeg, JCS_GRAYSCALE);
    std::array<unsigned, DCTSIZE2> steps;
    steps.fill(255);
    steps[1] = 1;
    jpeg_add_quant_table(&jpeg, 0, steps.data(), 100, TRUE);
    JHUFF_TBL& codes = *jpeg.ac_huff_tbl_ptrs[0];
    std::ranges::fill(codes.bits, 0);
    codes.bits[1] = 1;
    codes.bits[3] = 2;
    codes.huffval[0] = 0x0A;  // no zeros, a value of 10 bits
    codes.huffval[1] = 0x00;  // end of block
    codes.huffval[2] = 0x09;
  });
  for (const int thread_count : {1, 2, 4}) {
    EXPECT_EQ(difference(decode_jpeg_smaller(file, 2, thread_count, 1000), by_libjpeg(file, 2)), 0)
        << thread_count;
  }
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWhateverItsMarkersSay) {
  const Image image = scene(400, 300);
  const File file = saved(image, "[Q=85]");
  const auto expected = by_libjpeg(file, 2);
  File followed = file;
  followed.resize(followed.size() + 1000, std::byte{0xFF});
  EXPECT_EQ(difference(decode_jpeg_smaller(followed, 2, 2), expected), 0) << "bytes behind its end";
  File filled = file;
  filled.insert(filled.begin() + static_cast<ptrdiff_t>(marker_at(file, 0xC0)), 3, std::byte{0xFF});
  EXPECT_EQ(difference(decode_jpeg_smaller(filled, 2, 2), expected), 0)
      << "filling before a marker";
  const auto without_jfif = [](jpeg_compress_struct& jpeg) { jpeg.write_JFIF_header = FALSE; };
  const File bare = saved_with(image, without_jfif);
  EXPECT_EQ(difference(decode_jpeg_smaller(bare, 2, 2), by_libjpeg(bare, 2)), 0) << "no JFIF";
  File lettered = bare;
  lettered[marker_at(bare, 0xC0) + 10] = std::byte{'R'};
  EXPECT_FALSE(decode_jpeg_smaller(lettered, 2, 2)) << "components of unknown names";
  const File rgb = saved_with(image, [](jpeg_compress_struct& jpeg) {
    jpeg_set_colorspace(&jpeg, JCS_RGB);
    jpeg.write_Adobe_marker = TRUE;
  });
  EXPECT_FALSE(decode_jpeg_smaller(rgb, 2, 2)) << "RGB, as Adobe's marker says";
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWithRestartIntervals) {
  const Image image = scene(1003, 602);
  // In units of 16 x 16 and, of the second file, 8 x 8: within a row, a row, and across rows.
  std::vector<std::pair<std::string, File>> files;
  for (const char* options : {"[Q=85,restart_interval=1]", "[Q=95,restart_interval=5]",
                              "[Q=85,restart_interval=63]", "[Q=85,restart_interval=100]"}) {
    files.emplace_back(options, saved(image, options));
  }
  files.emplace_back("grey", saved(image, "[restart_interval=9]", true));
  files.emplace_back("4:2:2", saved_with(image, [](jpeg_compress_struct& jpeg) {
                       jpeg.comp_info[0].v_samp_factor = 1;
                       jpeg.restart_interval = 11;
                     }));
  for (const auto& [options, file] : files) {
    for (const int divisor : kDivisors) {
      const auto expected = by_libjpeg(file, divisor);
      for (const int thread_count : {1, 2, 5}) {
        const auto smaller = decode_jpeg_smaller(file, divisor, thread_count, 4000);
        EXPECT_EQ(difference(smaller, expected), 0)
            << options << " / " << divisor << ", " << thread_count << " threads";
        EXPECT_EQ(smaller && smaller->read_ahead_count > 0, thread_count > 1) << options;
      }
    }
  }
}

TEST_F(JpegSmaller, HasThePixelsOfLibjpegWithHalfAsManyColoursARow) {
  for (const int width_px : {1000, 1001, 1002, 1003, 1017, 19}) {
    const File file = saved_with(scene(width_px, 603), [](jpeg_compress_struct& jpeg) {
      jpeg.comp_info[0].v_samp_factor = 1;
    });
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
  const File file = saved(image, "[Q=95]");
  const size_t frame = marker_at(file, 0xC0);
  const size_t scan = marker_at(file, 0xDA);
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

TEST_F(JpegSmaller, ARestartMarkerBehindTheLastIntervalIsLeftToLibjpeg) {
  File file = saved(scene(160, 160), "[Q=85,restart_interval=50]");  // one marker
  ASSERT_TRUE(decode_jpeg_smaller(file, 2, 2));
  const std::array<std::byte, 2> second{std::byte{0xFF}, std::byte{0xD1}};
  file.insert(file.end() - 40, second.begin(), second.end());
  EXPECT_FALSE(decode_jpeg_smaller(file, 2, 1));
  EXPECT_FALSE(decode_jpeg_smaller(file, 2, 3, 100));
}

TEST_F(JpegSmaller, ADamagedScanIsLeftToLibjpegOrIsOneThatLibjpegReadsWithoutAWarning) {
  std::vector<File> files{saved(scene(320, 240), "[Q=85]"), saved(scene(161, 120), "[Q=95]"),
                          saved(scene(320, 240), "[Q=60,restart_interval=7]"),
                          saved(scene(320, 240), "[Q=85,optimize_coding]", true)};
  std::minstd_rand random(11);
  size_t left_count = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    File damaged = files[static_cast<size_t>(round) % files.size()];
    const size_t scan = scan_at(damaged);
    const size_t changes = 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i) {
      damaged[scan + random() % (damaged.size() - scan)] = static_cast<std::byte>(random());
    }
    const int divisor = kDivisors[random() % 3];
    const auto smaller = decode_jpeg_smaller(damaged, divisor, 1);
    const auto shared = decode_jpeg_smaller(damaged, divisor, 2 + round % 3, 200 + random() % 3000);
    ASSERT_EQ(smaller.has_value(), shared.has_value()) << round;
    if (!smaller) {
      ++left_count;
      continue;
    }
    EXPECT_TRUE(std::ranges::equal(smaller->image.pixels(), shared->image.pixels())) << round;
    EXPECT_TRUE(is_whole(damaged)) << round;
  }
  EXPECT_GT(left_count, kRounds / 4U);
  EXPECT_LT(left_count, kRounds * 1U) << "not one was read: nothing was compared";
}

TEST_F(JpegSmaller, DamageOfAnyKindEndsInPixelsOrIsLeftToLibjpeg) {
  const File file = saved(scene(320, 240), "[Q=85]");
  std::minstd_rand random(13);
  for (int round = 0; round < 3000; ++round) {
    File damaged = file;
    const size_t changes = 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i) {
      damaged[random() % 700] = static_cast<std::byte>(random());  // most of which are its header
    }
    (void)decode_jpeg_smaller(damaged, kDivisors[random() % 3], 1 + round % 4, 500);
  }
}

TEST_F(JpegSmaller, AFileThatIsCutShortIsLeftToLibjpeg) {
  const File file = saved(scene(160, 120), "[Q=85]");
  const size_t scan = scan_at(file);
  for (size_t size = 0; size + 2 < file.size(); ++size) {
    File cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(decode_jpeg_smaller(cut, 2, 3, 500)) << size;
    if (size < scan) continue;
    cut.insert(cut.end(), {std::byte{0xFF}, std::byte{0xD9}});
    EXPECT_FALSE(decode_jpeg_smaller(cut, 2, 1 + static_cast<int>(size % 3), 500))
        << size << " and an end of image";
  }
}

TEST_F(JpegSmaller, AHeaderThatPromisesMoreThanTheScanHasIsLeftToLibjpeg) {
  for (const int height_px : {16, 160, 163, 480}) {
    for (const char* options : {"[Q=85]", "[Q=30]", "[Q=95]"}) {
      File file = saved(scene(320, height_px), options);
      const size_t frame = marker_at(file, 0xC0);
      for (const unsigned more_px : {16U, 1000U, 30'000U}) {
        const unsigned height = static_cast<unsigned>(height_px) + more_px;
        file[frame + 5] = static_cast<std::byte>(height >> 8);
        file[frame + 6] = static_cast<std::byte>(height & 255);
        for (const int thread_count : {1, 2, 3}) {
          EXPECT_FALSE(decode_jpeg_smaller(file, 8, thread_count, 1000)) << height;
        }
      }
    }
  }
}

}  // namespace
}  // namespace faceforge::image::internal
