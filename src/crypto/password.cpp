#include "crypto/password.h"

#include <array>

#include "crypto/internal/sodium.h"

namespace faceforge::crypto {

Result<std::string> hash_password(std::string_view password, const PasswordCost& cost) {
  internal::start_sodium();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const int status =
      crypto_pwhash_str_alg(text.data(), password.data(), password.size(), cost.passes,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0) {
    return fail(ErrorCode::Exhausted, "out_of_memory",
                "cannot hash a password: it takes {} bytes of memory", cost.memory_bytes);
  }
  return std::string(text.data());
}

PasswordVerdict verify_password(std::string_view password, const std::string& hash,
                                const PasswordCost& cost) {
  internal::start_sodium();
  if (hash.size() >= crypto_pwhash_STRBYTES) return PasswordVerdict::Wrong;
  if (crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) != 0) {
    return PasswordVerdict::Wrong;
  }
  const bool same_cost =
      crypto_pwhash_str_needs_rehash(hash.c_str(), cost.passes, cost.memory_bytes) == 0;
  return same_cost ? PasswordVerdict::Right : PasswordVerdict::RightButHashIsOutdated;
}

}  // namespace faceforge::crypto
