#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <sodium.h>

#include "base/check.h"

/// What the files of this folder share about libsodium; not for other folders.
namespace faceforge::crypto::internal {

/// Starts the library once: it must be called before any other of its functions. Thread safe.
inline void start_sodium() {
  // Its failure means that the system has no random numbers, without which nothing here is safe.
  static const int status = sodium_init();
  CHECK_MSG(status >= 0, "libsodium does not start");
}

inline const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace faceforge::crypto::internal
