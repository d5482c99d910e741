#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "dataset/crop_photo.h"
#include "image/image.h"

namespace faceforge::dataset {

/// The picture for a page, as `data_url` of a JPEG; empty where there is none to show.
[[nodiscard]] std::string picture_url(const Result<image::Image>& picture);

/// A photo's file, shrunk so that neither side is longer than `side_px`; never enlarged.
///
/// fails: as read_file and image::decode
[[nodiscard]] Result<image::Image> thumbnail(const std::filesystem::path& photo, int side_px);

}  // namespace faceforge::dataset
