#pragma once

#include <filesystem>
#include <functional>

#include "base/result.h"
#include "image/image.h"

namespace faceforge::dataset {

/// The side of crops where nothing else is asked for: what nearly every embedder is trained on.
inline constexpr int kDefaultSide_px = 112;

/// Makes the aligned crop of a photo's file. Called from several threads at once.
using CropPhoto = std::function<Result<image::Image>(const std::filesystem::path&)>;

/// The crop as a square of `side_px`: scaled where `crop_photo` makes another size.
///
/// in:    `side_px` in 1 to image::kMaxSide_px (a CHECK)
/// fails: as `crop_photo`; what it throws is an error of this photo
[[nodiscard]] Result<image::Image> square_crop(const CropPhoto& crop_photo,
                                               const std::filesystem::path& photo, int side_px);

}  // namespace faceforge::dataset
