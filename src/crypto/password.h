#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace faceforge::crypto {

/// What one guess costs an attacker, and one login costs us. The default is the second choice of
/// RFC 9106 (section 4), for machines without gigabytes to spare.
struct PasswordCost {
  uint64_t passes = 3;
  size_t memory_bytes = size_t{64} << 20;

  /// The least that the algorithm allows: for tests only.
  [[nodiscard]] static PasswordCost for_tests() { return {.passes = 1, .memory_bytes = 8192}; }
};

enum class PasswordVerdict {
  Wrong,
  Right,
  RightButHashIsOutdated,  ///< hashed at another cost: hash again while the password is at hand
};

/// Hashes a password with Argon2id and a fresh salt into a text that holds salt and cost.
///
/// in:    any bytes, length checked by the caller's policy
/// out:   `$argon2id$v=19$...`, at most 127 characters
/// fails: exhausted/out_of_memory
/// cost:  cost.memory_bytes of memory, about 0.1 s by default
/// source: RFC 9106
[[nodiscard]] Result<std::string> hash_password(std::string_view password,
                                                const PasswordCost& cost = {});

/// Tells whether `password` is the one behind `hash`. A damaged hash is Wrong.
[[nodiscard]] PasswordVerdict verify_password(std::string_view password, const std::string& hash,
                                              const PasswordCost& cost = {});

}  // namespace faceforge::crypto
