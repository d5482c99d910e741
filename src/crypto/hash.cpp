#include "crypto/hash.h"

#include "crypto/internal/sodium.h"

namespace faceforge::crypto {

bool equal_in_constant_time(std::span<const std::byte> left, std::span<const std::byte> right) {
  internal::start_sodium();
  if (left.size() != right.size()) return false;
  return left.empty() || sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return equal_in_constant_time(std::as_bytes(std::span(left)), std::as_bytes(std::span(right)));
}

}  // namespace faceforge::crypto
