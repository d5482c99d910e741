#include "vision/internal/input_tensor.h"

#include <algorithm>

#include "base/check.h"

namespace faceforge::vision {
namespace {

/// The channel of an RGB8 pixel that feeds a plane of the network.
size_t source_channel(size_t plane, ChannelOrder order) {
  return order == ChannelOrder::Rgb ? plane : image::kChannels - 1 - plane;
}

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
  const auto height = static_cast<int>(input.shape.at(2));
  const auto width = static_cast<int>(input.shape.at(3));
  CHECK(std::cmp_less(place.picture_index, input.shape.at(0)));
  CHECK(part.x >= 0 && part.y >= 0 && part.x + part.width <= source.width_px() &&
        part.y + part.height <= source.height_px());
  CHECK(place.left >= 0 && place.top >= 0 && place.left + part.width <= width &&
        place.top + part.height <= height);
  const size_t plane_size = static_cast<size_t>(width) * static_cast<size_t>(height);
  float* const picture = input.values.data() + place.picture_index * image::kChannels * plane_size;
  for (size_t plane = 0; plane < image::kChannels; ++plane) {
    const float factor = 1 / normalization.scale[plane];
    const float offset = -normalization.mean[plane] / normalization.scale[plane];
    const size_t channel = source_channel(plane, normalization.channel_order);
    for (int row = 0; row < part.height; ++row) {
      const uint8_t* pixel = source.row(part.y + row).data() +
                             static_cast<size_t>(part.x) * image::kChannels + channel;
      float* value = picture + plane * plane_size +
                     static_cast<size_t>(place.top + row) * static_cast<size_t>(width) +
                     static_cast<size_t>(place.left);
      for (int column = 0; column < part.width; ++column, pixel += image::kChannels) {
        value[column] = static_cast<float>(*pixel) * factor + offset;
      }
    }
  }
}

void mirror_pictures(nn::Tensor& input) {
  const auto width = static_cast<size_t>(input.shape.at(3));
  for (size_t row = 0; row < input.values.size(); row += width) {
    std::ranges::reverse(std::span(input.values).subspan(row, width));
  }
}

}  // namespace faceforge::vision
