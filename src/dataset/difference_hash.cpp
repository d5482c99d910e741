#include "dataset/difference_hash.h"

#include <bit>

#include "image/resample.h"

namespace faceforge::dataset {

uint64_t difference_hash(const image::Image& picture) {
  constexpr int kCells = 8;
  const image::Image small = image::resize(picture, kCells + 1, kCells);
  const auto grey = [](std::span<const uint8_t> row, int x) {
    const auto pixel = row.subspan(static_cast<size_t>(x) * image::kChannels, image::kChannels);
    return 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2];
  };
  uint64_t hash = 0;
  for (int y = 0; y < kCells; ++y) {
    const auto row = small.row(y);
    for (int x = 0; x < kCells; ++x) {
      hash = hash << 1 | static_cast<uint64_t>(grey(row, x) < grey(row, x + 1));
    }
  }
  return hash;
}

int differing_bits(uint64_t a, uint64_t b) {
  return std::popcount(a ^ b);
}

}  // namespace faceforge::dataset
