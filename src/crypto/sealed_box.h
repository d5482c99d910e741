#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"

namespace faceforge::crypto {

inline constexpr size_t kBoxKey_bytes = 32;
inline constexpr size_t kBoxOverhead_bytes = 40;  ///< nonce 24, authentication tag 16

[[nodiscard]] Secret random_box_key();

/// The key of one purpose, made from a key that serves several.
///
/// in:     `key` of 32 bytes (a CHECK); `purpose` is not secret
/// out:    kBoxKey_bytes
/// source: BLAKE2b-256, keyed (RFC 7693)
[[nodiscard]] Secret box_key_for(std::string_view purpose, const Secret& key);

/// Encrypts and authenticates, for storage at rest: a fresh nonce, then the ciphertext.
///
/// in:     `context` says what and whose the contents are (`photo:17`): not stored, not secret, and
///         needed again to open, so that boxes cannot be exchanged for one another
/// out:    kBoxOverhead_bytes longer than `contents`
/// source: XChaCha20-Poly1305 (IETF draft-irtf-cfrg-xchacha)
[[nodiscard]] std::vector<std::byte> seal(std::span<const std::byte> contents,
                                          std::string_view context, const Secret& key);

/// Opens what seal() made.
///
/// fails: corrupt/sealed_box_damaged when it was cut, changed, or sealed with another key or
/// context
[[nodiscard]] Result<std::vector<std::byte>> unseal(std::span<const std::byte> box,
                                                    std::string_view context, const Secret& key);

}  // namespace faceforge::crypto
