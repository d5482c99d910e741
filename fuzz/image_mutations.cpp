// Decodes damaged photos: faceforge_fuzz_image [COUNT] [SEED]
//
// Takes photos of every kind (made here by the codec library, the samples of tests/photos, and some
// of the data folder where there is one), mutates them, and decodes the result. A crash, a leak or
// undefined behaviour is for the sanitizers to report; this program itself checks that what comes
// back is an image within its limits or one of the documented refusals, and comes back in time and
// within its memory.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <vips/vips.h>

#include "base/check.h"
#include "base/file.h"
#include "image/image.h"
#include "memory_bound.h"
#include "mutation.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

namespace fs = std::filesystem;
using fuzz::Bytes;
using std::chrono::steady_clock;

constexpr size_t kFileLimit_bytes = size_t{1} << 20;
constexpr size_t kMemory_bytes = size_t{1} << 30;
constexpr std::chrono::seconds kSlow{10};  // the sanitizers cost a factor of about 3
constexpr image::DecodeLimits kLimits{.bytes = 4 << 20, .megapixels = 20, .working_side_px = 512};

// Noise on a gradient: what compresses badly keeps every part of a decoder busy.
Bytes encoded(const char* suffix, int width_px, int height_px) {
  std::vector<unsigned char> pixels(static_cast<size_t>(width_px * height_px * 3));
  std::minstd_rand random(5);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<unsigned char>(i / 300 + random() % 64);
  }
  VipsImage* view = vips_image_new_from_memory(pixels.data(), pixels.size(), width_px, height_px, 3,
                                               VIPS_FORMAT_UCHAR);
  view->Type = VIPS_INTERPRETATION_sRGB;
  void* buffer = nullptr;
  size_t size = 0;
  CHECK_MSG(vips_image_write_to_buffer(view, suffix, &buffer, &size, nullptr) == 0, suffix);
  const auto* const begin = static_cast<const std::byte*>(buffer);
  Bytes file(begin, begin + size);
  g_free(buffer);
  g_object_unref(view);
  return file;
}

std::vector<Bytes> seed_photos() {
  std::vector<Bytes> photos;
  for (const char* suffix :
       {".jpg", ".jpg[interlace=true]", ".jpg[restart_interval=3]", ".jpg[optimize_coding=true]",
        ".png", ".png[interlace=true,palette=true]", ".webp", ".webp[lossless=true]", ".gif",
        ".tif[compression=lzw]", ".tif[compression=jpeg,tile=true]",
        ".tif[compression=deflate,bigtiff=true]", ".heic", ".avif[speed=9]"}) {
    photos.push_back(encoded(suffix, 97, 61));
  }
  photos.push_back(encoded(".jpg[Q=98]", 900, 700));  // long enough for several threads
  const auto add_file = [&photos](const fs::path& path) {
    if (auto file = read_file(path, kFileLimit_bytes)) photos.push_back(*std::move(file));
  };
  std::vector<fs::path> samples;
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "tests" / "photos")) {
    const auto extension = entry.path().extension();
    if (extension != ".py" && extension != ".c" && extension != ".md") {
      samples.push_back(entry.path());
    }
  }
  std::ranges::sort(samples);  // the order of a folder is not the same everywhere
  for (const fs::path& path : samples) add_file(path);
  if (const auto data = test::test_data()) {
    for (const char* name :
         {"lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg", "antispoof/image_T1.jpg"}) {
      add_file(*data / name);
    }
  }
  return photos;
}

bool is_documented(const Error& error) {
  for (const std::string_view reason :
       {"photo_empty", "photo_bytes_too_large", "photo_too_large", "photo_too_many_scans",
        "not_an_image", "pixels_unsupported", "image_damaged", "out_of_memory"}) {
    if (error.reason == reason) return true;
  }
  return false;
}

void check_photo(const image::Photo& photo) {
  const int longer_px = std::max(photo.image.width_px(), photo.image.height_px());
  CHECK(photo.width_px > 0 && photo.height_px > 0);
  CHECK(1e-6 * photo.width_px * photo.height_px <= kLimits.megapixels);
  CHECK(longer_px <= kLimits.working_side_px);
  CHECK(photo.scale() > 0 && photo.scale() <= 1);
}

int fuzz_images(int count, unsigned seed) {
  fuzz::bound_memory(kMemory_bytes);
  // Starts the library with its blocked loaders before anything is saved with it.
  CHECK(!image::decode({}, kLimits));
  CHECK(VIPS_INIT("faceforge_fuzz_image") == 0);
  const std::vector<Bytes> photos = seed_photos();
  for (const Bytes& photo : photos) (void)image::decode(photo, kLimits);
  std::map<std::string, int> outcomes;
  steady_clock::duration slowest{};
  for (int i = 0; i < count; ++i) {
    // A generator of its own for each, so that one can be repeated alone.
    std::mt19937_64 random(seed + static_cast<unsigned>(i));
    const Bytes& original = photos[static_cast<size_t>(i) % photos.size()];
    const Bytes file = fuzz::mutate(original, photos[random() % photos.size()], random);
    const auto start = steady_clock::now();
    // Every second one is halved as often as can be, on one to three threads.
    const int enough_side_px = i % 2 == 0 ? image::kMaxSide_px : 1;
    const auto photo = image::decode(file, kLimits, enough_side_px, 1 + i / 2 % 3);
    slowest = std::max(slowest, steady_clock::now() - start);
    CHECK_MSG(slowest < kSlow, "mutation " + std::to_string(i) + " took too long");
    if (photo) {
      check_photo(*photo);
    } else {
      CHECK_MSG(is_documented(photo.error()), photo.error().reason);
    }
    ++outcomes[photo ? "decoded" : photo.error().reason];
  }
  std::printf("%d mutations of %zu photos, at most %ld MB; the slowest took %lld ms\n", count,
              photos.size(), fuzz::peak_megabytes(),
              static_cast<long long>(
                  std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count()));
  for (const auto& [outcome, times] : outcomes) std::printf("%8d %s\n", times, outcome.c_str());
  std::fflush(stdout);  // a sanitizer's last words end the program without it
  return 0;
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  return faceforge::fuzz_images(count, seed);
}
