#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "crops/crop_file.h"
#include "crops/crop_writer.h"
#include "crops/person_list.h"
#include "train/random.h"

namespace faceforge::train {

/// A photo of nobody: a pattern of waves of its person's own, in other light and with other noise
/// than the person's other photos.
inline std::vector<std::byte> synthetic_crop(uint64_t person, uint64_t photo, uint32_t side_px) {
  Random own(1000 + person);
  const float across = own.between(1, 5);
  const float down = own.between(1, 5);
  const float phase = own.between(0, 6);
  const float redness = own.between(0.3F, 1);
  Random other(100'000 + person * 1000 + photo);
  const float light = other.between(0.8F, 1.2F);
  std::vector<std::byte> pixels;
  for (uint32_t y = 0; y < side_px; ++y) {
    for (uint32_t x = 0; x < side_px; ++x) {
      const auto u = static_cast<float>(x) / static_cast<float>(side_px);
      const auto v = static_cast<float>(y) / static_cast<float>(side_px);
      const float wave = 0.5F + 0.35F * std::sin(6.28F * (across * u + down * v) + phase);
      for (const float colour : {redness, 1.0F, 1.2F - redness}) {
        const float value = 200 * light * colour * wave + other.between(0, 30);
        pixels.push_back(static_cast<std::byte>(std::min(255.0F, value)));
      }
    }
  }
  return pixels;
}

inline std::string synthetic_name(uint64_t person) {
  return "person " + std::to_string(person);
}

/// Writes `photo_counts[p]` photos of each person p.
inline void write_synthetic_crops(const std::filesystem::path& path,
                                  const std::vector<size_t>& photo_counts, uint32_t side_px) {
  auto writer = crops::CropWriter::create(path, {.width_px = side_px, .height_px = side_px});
  ASSERT_TRUE(writer);
  for (size_t person = 0; person < photo_counts.size(); ++person) {
    ASSERT_TRUE(writer->add_person(synthetic_name(person)));
    for (size_t photo = 0; photo < photo_counts[person]; ++photo) {
      ASSERT_TRUE(writer->add_crop(synthetic_crop(person, photo, side_px)));
    }
  }
  ASSERT_TRUE(writer->finish());
}

/// Lists the people from `first` to before `end`.
inline void write_synthetic_list(const std::filesystem::path& path, size_t first, size_t end) {
  std::vector<std::string> names;
  for (size_t person = first; person < end; ++person) names.push_back(synthetic_name(person));
  ASSERT_TRUE(write_file_atomically(path, crops::to_list_text(names)));
}

}  // namespace faceforge::train
