#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace faceforge::accounts::internal {

inline constexpr size_t kMaxStored_bytes = 200;

/// Foreign text (a browser's name for itself) in a form that may be stored: at most
/// `kMaxStored_bytes` of UTF-8 without control characters; what is not becomes `?`.
[[nodiscard]] std::string storable_text(std::string_view text);

}  // namespace faceforge::accounts::internal
