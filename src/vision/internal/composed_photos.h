#pragma once

// Photos that try a detector, composed of LFW's: faces that fill the picture and crowds of faces
// of 16 pixels. LFW's deep-funneled photos have the face in the middle of 250x250, about 95 px wide
// and 126 px high.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
#include <vector>

#include "face/bounding_box.h"
#include "face/detected_face.h"
#include "image/image.h"
#include "image/resample.h"
#include "vision/internal/test_packs.h"

namespace faceforge::vision::test {

inline constexpr face::BoundingBox kLfwFace{77, 64, 95, 126};

/// Every `step`-th person's first photo.
inline std::vector<std::filesystem::path> lfw_photos(const std::filesystem::path& test_data,
                                                     size_t count, size_t offset = 0) {
  std::vector<std::filesystem::path> people;
  for (const auto& entry : std::filesystem::directory_iterator(test_data / "lfw")) {
    people.push_back(entry.path());
  }
  std::ranges::sort(people);
  const size_t step = people.size() / count;
  std::vector<std::filesystem::path> photos;
  for (size_t index = offset % step; index < people.size() && photos.size() < count;
       index += step) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(people[index])) {
      files.push_back(entry.path());
    }
    photos.push_back(*std::ranges::min_element(files));
  }
  return photos;
}

struct ComposedPhoto {
  image::Photo photo;
  std::vector<face::BoundingBox> faces;  ///< where they are, within a third of their size
};

/// A face whose height is `share` of the picture's side, enlarged to `side_px`.
inline ComposedPhoto mostly_face(const image::Image& lfw_photo, double share, int side_px) {
  const int side = static_cast<int>(std::lround(static_cast<double>(kLfwFace.height) / share));
  const auto start = [side](float center) {
    return static_cast<int>(std::lround(center - static_cast<float>(side) / 2));
  };
  const image::PixelRectangle part{start(kLfwFace.center_x()), start(kLfwFace.center_y()), side,
                                   side};
  const float scale = static_cast<float>(side_px) / static_cast<float>(side);
  const face::BoundingBox face{(kLfwFace.x - static_cast<float>(part.x)) * scale,
                               (kLfwFace.y - static_cast<float>(part.y)) * scale,
                               kLfwFace.width * scale, kLfwFace.height * scale};
  return {as_photo(image::resize(image::crop(lfw_photo, part), side_px, side_px)), {face}};
}

/// Smooth noise in several octaves, as of walls and grass.
inline image::Image textured_background(int width_px, int height_px, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> level(0, 255);
  image::Image sum = image::Image::create(width_px, height_px);
  std::ranges::fill(sum.pixels(), uint8_t{60});
  for (const int cell_px : {160, 40, 10, 3}) {
    image::Image coarse = image::Image::create(width_px / cell_px + 2, height_px / cell_px + 2);
    for (uint8_t& value : coarse.pixels()) value = static_cast<uint8_t>(level(random));
    const image::Image fine = image::resize(coarse, width_px, height_px);
    for (size_t index = 0; index < sum.pixels().size(); ++index) {
      const int value = sum.pixels()[index] + (fine.pixels()[index] - 128) / 4 + 10;
      sum.pixels()[index] = static_cast<uint8_t>(std::clamp(value, 0, 255));
    }
  }
  return sum;
}

/// 48 people on 1280x960, their faces 16 to 24 px wide.
inline ComposedPhoto crowd(std::span<const std::filesystem::path> photos, uint32_t seed) {
  std::mt19937 random(seed);
  ComposedPhoto crowd{as_photo(textured_background(1280, 960, seed)), {}};
  std::uniform_real_distribution<float> face_width_px(16, 24);
  std::uniform_int_distribution<int> shift_px(0, 90);
  for (size_t index = 0; index < std::min<size_t>(48, photos.size()); ++index) {
    const float scale = face_width_px(random) / kLfwFace.width;
    const int side = static_cast<int>(std::lround(250 * scale));
    const image::Image small = image::resize(read_photo(photos[index]).image, side, side);
    const int left = static_cast<int>(index % 8) * 160 + shift_px(random);
    const int top = static_cast<int>(index / 8) * 160 + shift_px(random);
    for (int row = 0; row < side; ++row) {
      std::ranges::copy(small.row(row), crowd.photo.image.row(top + row)
                                            .subspan(static_cast<size_t>(left) * image::kChannels)
                                            .begin());
    }
    crowd.faces.push_back({static_cast<float>(left) + kLfwFace.x * scale,
                           static_cast<float>(top) + kLfwFace.y * scale, kLfwFace.width * scale,
                           kLfwFace.height * scale});
  }
  return crowd;
}

/// Whether a face was found where one is: half to twice as wide, its centre within half its width.
inline bool is_found(const face::BoundingBox& face,
                     const std::vector<face::DetectedFace>& detected) {
  return std::ranges::any_of(detected, [&face](const face::DetectedFace& candidate) {
    const float ratio = candidate.box.width / face.width;
    const float distance = std::hypot(candidate.box.center_x() - face.center_x(),
                                      candidate.box.center_y() - face.center_y());
    return ratio > 0.5F && ratio < 2 && distance < face.width / 2;
  });
}

}  // namespace faceforge::vision::test
