#include "dataset/picture.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/html_page.h"
#include "image/encode.h"
#include "image/resample.h"

namespace faceforge::dataset {

std::string picture_url(const Result<image::Image>& picture) {
  constexpr int kQuality = 85;
  if (!picture) return "";
  const auto jpeg = image::encode_jpeg(*picture, kQuality);
  return jpeg ? data_url("image/jpeg", *jpeg) : "";
}

Result<image::Image> thumbnail(const std::filesystem::path& photo, int side_px) {
  const image::DecodeLimits limits;
  const auto bytes = TRY(read_file(photo, limits.bytes));
  auto decoded = TRY(image::decode(bytes, limits, side_px));
  const image::Image& picture = decoded.image;
  const double scale =
      side_px / static_cast<double>(std::max(picture.width_px(), picture.height_px()));
  if (scale >= 1) return std::move(decoded.image);
  const auto scaled = [&](int length_px) {
    return std::max(1, static_cast<int>(std::lround(length_px * scale)));
  };
  return image::resize(picture, scaled(picture.width_px()), scaled(picture.height_px()));
}

}  // namespace faceforge::dataset
