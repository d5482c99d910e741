#include "base/wipe.h"

#include <sodium.h>

namespace faceforge {

void wipe(std::span<std::byte> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

void wipe(std::string& text) {
  text.resize(text.capacity());
  sodium_memzero(text.data(), text.size());
  text.clear();
}

void wipe_used_stack() {
  constexpr size_t kDeep_bytes = size_t{64} << 10;
  sodium_stackzero(kDeep_bytes);
}

}  // namespace faceforge
