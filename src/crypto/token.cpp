#include "crypto/token.h"

#include <array>

#include "base/sha256.h"
#include "crypto/internal/sodium.h"

namespace faceforge::crypto {

std::vector<std::byte> random_bytes(size_t count) {
  internal::start_sodium();
  std::vector<std::byte> bytes(count);
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string random_token() {
  constexpr size_t kToken_bytes = 32;
  constexpr int kAlphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  const Secret bytes = Secret::random(kToken_bytes);
  std::array<char, sodium_base64_ENCODED_LEN(kToken_bytes, kAlphabet)> text{};
  sodium_bin2base64(text.data(), text.size(), internal::raw(bytes.bytes()), bytes.size(),
                    kAlphabet);
  return text.data();
}

std::string token_hash(std::string_view token, const Secret& key) {
  internal::start_sodium();
  CHECK(key.size() == kTokenKey_bytes);
  std::array<std::byte, crypto_generichash_BYTES> hash{};
  CHECK(crypto_generichash(internal::raw(std::span<std::byte>(hash)), hash.size(),
                           internal::raw(token), token.size(), internal::raw(key.bytes()),
                           key.size()) == 0);
  return to_hex(hash);
}

}  // namespace faceforge::crypto
