#pragma once

#include <string>
#include <string_view>

namespace faceforge::nn {

/// A foreign name for a message: in single quotes, control characters as `?`, 80 bytes at most.
[[nodiscard]] std::string quoted_name(std::string_view name);

}  // namespace faceforge::nn
