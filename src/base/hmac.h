#pragma once

#include <cstddef>
#include <span>

#include "base/sha256.h"

namespace faceforge {

/// A hash that only who has the key can compute: HMAC-SHA-256.
///
/// in:     a key of any length
/// source: RFC 2104; FIPS 198-1
[[nodiscard]] Sha256 hmac_sha256(std::span<const std::byte> key,
                                 std::span<const std::byte> message);

}  // namespace faceforge
