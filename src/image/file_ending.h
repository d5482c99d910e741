#pragma once

#include <filesystem>
#include <string>

namespace faceforge::image {

/// The ending of a file's name in lower case, `.jpg` of `Ada.JPG`; empty where it has none.
[[nodiscard]] std::string lower_case_ending(const std::filesystem::path& file);

/// Whether a file's name ends as that of a photo which `decode` reads: .jpg, .jpeg, .png, .webp,
/// .gif, .tif, .tiff, .heic, .heif or .avif, in either case. What is in it is told by `decode`.
[[nodiscard]] bool has_photo_ending(const std::filesystem::path& file);

}  // namespace faceforge::image
