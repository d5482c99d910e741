#include "crypto/sealed_box.h"

#include <utility>

#include "crypto/internal/sodium.h"

namespace faceforge::crypto {
namespace {

using internal::raw;

constexpr size_t kNonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kBoxKey_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kBoxOverhead_bytes == kNonce_bytes + kTag_bytes);

}  // namespace

Secret random_box_key() {
  return Secret::random(kBoxKey_bytes);
}

Secret box_key_for(std::string_view purpose, const Secret& key) {
  internal::start_sodium();
  CHECK(key.size() == crypto_generichash_KEYBYTES);
  Secret made = Secret::zeros(kBoxKey_bytes);
  CHECK(crypto_generichash(raw(made.bytes()), made.size(), raw(purpose), purpose.size(),
                           raw(std::as_const(key).bytes()), key.size()) == 0);
  return made;
}

std::vector<std::byte> seal(std::span<const std::byte> contents, std::string_view context,
                            const Secret& key) {
  internal::start_sodium();
  CHECK(key.size() == kBoxKey_bytes);
  std::vector<std::byte> box(contents.size() + kBoxOverhead_bytes);
  const std::span<std::byte> nonce = std::span(box).first(kNonce_bytes);
  const std::span<std::byte> sealed = std::span(box).subspan(kNonce_bytes);
  // 192 random bits never repeat in practice, so no counter has to be kept.
  randombytes_buf(nonce.data(), nonce.size());
  CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(raw(sealed), nullptr, raw(contents),
                                                   contents.size(), raw(context), context.size(),
                                                   nullptr, raw(nonce), raw(key.bytes())) == 0);
  return box;
}

Result<std::vector<std::byte>> unseal(std::span<const std::byte> box, std::string_view context,
                                      const Secret& key) {
  internal::start_sodium();
  CHECK(key.size() == kBoxKey_bytes);
  const auto damaged = [&box] {
    return fail(ErrorCode::Corrupt, "sealed_box_damaged",
                "{} encrypted bytes were changed, or belong to another key or place", box.size());
  };
  if (box.size() < kBoxOverhead_bytes) return damaged();
  const std::span<const std::byte> nonce = box.first(kNonce_bytes);
  const std::span<const std::byte> sealed = box.subspan(kNonce_bytes);
  std::vector<std::byte> contents(sealed.size() - kTag_bytes);
  const int status = crypto_aead_xchacha20poly1305_ietf_decrypt(
      raw(std::span<std::byte>(contents)), nullptr, nullptr, raw(sealed), sealed.size(),
      raw(context), context.size(), raw(nonce), raw(key.bytes()));
  if (status != 0) return damaged();
  return contents;
}

}  // namespace faceforge::crypto
