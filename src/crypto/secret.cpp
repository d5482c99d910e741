#include "crypto/secret.h"

#include <algorithm>
#include <utility>

#include "crypto/internal/sodium.h"

namespace faceforge::crypto {

Secret Secret::zeros(size_t size_bytes) {
  internal::start_sodium();
  Secret secret;
  if (size_bytes == 0) return secret;
  secret.bytes_ = static_cast<std::byte*>(sodium_malloc(size_bytes));
  // Secrets are small and few: where not even those can be had, nothing sensible can follow.
  CHECK_MSG(secret.bytes_ != nullptr, "no memory for a secret");
  secret.size_ = size_bytes;
  std::ranges::fill(secret.bytes(), std::byte{0});
  return secret;
}

Secret Secret::copy_of(std::span<const std::byte> bytes) {
  Secret secret = zeros(bytes.size());
  std::ranges::copy(bytes, secret.bytes().begin());
  return secret;
}

Secret Secret::copy_of(std::string_view text) {
  return copy_of(std::as_bytes(std::span(text)));
}

Secret Secret::random(size_t size_bytes) {
  Secret secret = zeros(size_bytes);
  randombytes_buf(secret.bytes_, size_bytes);
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release();
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  release();
}

void Secret::release() {
  // sodium_free wipes before it gives the memory back.
  if (bytes_ != nullptr) sodium_free(bytes_);
  bytes_ = nullptr;
  size_ = 0;
}

std::string_view Secret::text() const {
  return {reinterpret_cast<const char*>(bytes_), size_};
}

}  // namespace faceforge::crypto
