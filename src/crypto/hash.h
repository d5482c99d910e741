#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/sha256.h"

namespace faceforge::crypto {

using faceforge::Sha256;
using faceforge::sha256;
using faceforge::sha256_file;
using faceforge::sha256_from_hex;
using faceforge::Sha256Stream;
using faceforge::to_hex;

/// Compares in a time that does not depend on where the two differ (lengths are not secret).
[[nodiscard]] bool equal_in_constant_time(std::span<const std::byte> left,
                                          std::span<const std::byte> right);
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace faceforge::crypto
