#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace faceforge::http {

/// `image/jpeg`, ...: told from the first bytes, for photos that `image::decode` has read before.
///
/// out: `application/octet-stream` for anything else
[[nodiscard]] std::string_view photo_media_type(std::span<const std::byte> file);

}  // namespace faceforge::http
