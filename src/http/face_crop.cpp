#include "http/face_crop.h"

#include <algorithm>
#include <cmath>

#include "image/encode.h"
#include "image/resample.h"

namespace faceforge::http {
namespace {

/// Of the box's longer side: hair and chin belong to how people recognize a face.
constexpr float kMargin = 1.5F;

}  // namespace

Result<std::vector<std::byte>> face_crop_jpeg(const image::Photo& photo,
                                              const face::BoundingBox& box) {
  const double scale = photo.scale();
  const double wanted_px = std::max(box.width, box.height) * kMargin * scale;
  // A crop larger than the photo would only add black.
  const int longest_px = std::max(photo.image.width_px(), photo.image.height_px());
  const int side_px = std::clamp(static_cast<int>(std::lround(wanted_px)), 1, longest_px);
  const image::PixelRectangle square{
      .x = static_cast<int>(std::lround(box.center_x() * scale - side_px / 2.0)),
      .y = static_cast<int>(std::lround(box.center_y() * scale - side_px / 2.0)),
      .width = side_px,
      .height = side_px};
  const auto face = image::resize(image::crop(photo.image, square), kFaceCrop_px, kFaceCrop_px);
  return image::encode_jpeg(face, 85);
}

}  // namespace faceforge::http
