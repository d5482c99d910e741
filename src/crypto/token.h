#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret.h"

namespace faceforge::crypto {

/// Bytes from the system's cryptographic generator.
[[nodiscard]] std::vector<std::byte> random_bytes(size_t count);

/// A fresh 256-bit token: 43 characters of URL-safe Base64 (RFC 4648, section 5) without padding.
/// For session cookies, API keys and CSRF tokens.
[[nodiscard]] std::string random_token();

inline constexpr size_t kTokenKey_bytes = 32;

/// The form in which a token is stored and looked up: 64 hexadecimal digits. Whoever reads the
/// database learns no token, and without `key` cannot even test a guess.
///
/// in:     `key` of kTokenKey_bytes
/// source: BLAKE2b-256, keyed (RFC 7693)
[[nodiscard]] std::string token_hash(std::string_view token, const Secret& key);

}  // namespace faceforge::crypto
