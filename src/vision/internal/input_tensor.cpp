#include "vision/internal/input_tensor.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "image/resample.h"

namespace faceforge::vision {
namespace {

/// The channel of an RGB8 pixel that feeds a plane of the network.
size_t source_channel(size_t plane, ChannelOrder order) {
  return order == ChannelOrder::Rgb ? plane : image::kChannels - 1 - plane;
}

/// The rows of a picture that a part of an image goes to, plane by plane.
class PlacedRows {
 public:
  PlacedRows(const InputNormalization& normalization, const InputPlace& place,
             const image::PixelRectangle& part, nn::Tensor& input)
      : normalization_(normalization),
        width_(static_cast<size_t>(input.shape.at(3))),
        plane_size_(width_ * static_cast<size_t>(input.shape.at(2))) {
    CHECK(std::cmp_less(place.picture_index, input.shape.at(0)));
    CHECK(place.left >= 0 && place.top >= 0 &&
          std::cmp_less_equal(place.left + part.width, input.shape.at(3)) &&
          std::cmp_less_equal(place.top + part.height, input.shape.at(2)));
    start_ = input.values.data() + place.picture_index * image::kChannels * plane_size_ +
             static_cast<size_t>(place.top) * width_ + static_cast<size_t>(place.left);
  }

  /// in: R, G, B of each pixel of row `row` of the part, in 0..255
  template <typename Value>
  void place(int row, std::span<const Value> rgb) const {
    for (size_t plane = 0; plane < image::kChannels; ++plane) {
      const float factor = 1 / normalization_.scale[plane];
      const float offset = -normalization_.mean[plane] / normalization_.scale[plane];
      const Value* value = rgb.data() + source_channel(plane, normalization_.channel_order);
      float* const to = start_ + plane * plane_size_ + static_cast<size_t>(row) * width_;
      const size_t count = rgb.size() / image::kChannels;
      for (size_t column = 0; column < count; ++column, value += image::kChannels) {
        to[column] = static_cast<float>(*value) * factor + offset;
      }
    }
  }

 private:
  const InputNormalization& normalization_;
  size_t width_;
  size_t plane_size_;
  float* start_ = nullptr;
};

}  // namespace

nn::Tensor black_input(size_t picture_count, int width_px, int height_px,
                       const InputNormalization& normalization) {
  CHECK(width_px > 0 && height_px > 0);
  const size_t plane_size = static_cast<size_t>(width_px) * static_cast<size_t>(height_px);
  nn::Tensor input;
  input.shape = {static_cast<int64_t>(picture_count), image::kChannels, height_px, width_px};
  input.values.reserve(picture_count * image::kChannels * plane_size);
  for (size_t picture = 0; picture < picture_count; ++picture) {
    for (size_t plane = 0; plane < image::kChannels; ++plane) {
      input.values.insert(input.values.end(), plane_size,
                          -normalization.mean[plane] / normalization.scale[plane]);
    }
  }
  return input;
}

void place_pixels(const image::Image& source, const image::PixelRectangle& part,
                  const InputNormalization& normalization, const InputPlace& place,
                  nn::Tensor& input) {
  CHECK(part.x >= 0 && part.y >= 0 && part.x + part.width <= source.width_px() &&
        part.y + part.height <= source.height_px());
  const PlacedRows rows(normalization, place, part, input);
  for (int row = 0; row < part.height; ++row) {
    const auto pixels = source.row(part.y + row)
                            .subspan(static_cast<size_t>(part.x) * image::kChannels,
                                     static_cast<size_t>(part.width) * image::kChannels);
    rows.place(row, pixels);
  }
}

void place_scaled(const image::Image& source, int width_px, int height_px,
                  const image::PixelRectangle& part, const InputNormalization& normalization,
                  const InputPlace& place, nn::Tensor& input) {
  if (width_px == source.width_px() && height_px == source.height_px()) {
    return place_pixels(source, part, normalization, place, input);
  }
  const PlacedRows rows(normalization, place, part, input);
  image::resize_rows(source, width_px, height_px, part,
                     [&rows](int row, std::span<const float> rgb) { rows.place(row, rgb); });
}

void mirror_pictures(nn::Tensor& input) {
  const auto width = static_cast<size_t>(input.shape.at(3));
  for (size_t row = 0; row < input.values.size(); row += width) {
    std::ranges::reverse(std::span(input.values).subspan(row, width));
  }
}

}  // namespace faceforge::vision
