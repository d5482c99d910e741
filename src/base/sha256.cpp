#include "base/sha256.h"

#include <cerrno>
#include <cstdio>
#include <vector>

#include <sodium.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"

namespace faceforge {
namespace {

constexpr size_t kChunk_bytes = 256 * 1024;

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Unexpected not_read(int error_number, const std::filesystem::path& path) {
  Error error = file_error(error_number, "read", path);
  if (error_number == ENOENT || error_number == ENOTDIR) error.reason = "file_not_found";
  if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
  return Unexpected(std::move(error));
}

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

struct Sha256Stream::State {
  crypto_hash_sha256_state hash;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  crypto_hash_sha256_init(&state_->hash);
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::add(std::span<const std::byte> bytes) {
  CHECK(state_ != nullptr);
  crypto_hash_sha256_update(&state_->hash, raw(bytes), bytes.size());
}

Sha256 Sha256Stream::finish() {
  CHECK(state_ != nullptr);
  Sha256 digest;
  crypto_hash_sha256_final(&state_->hash, reinterpret_cast<unsigned char*>(digest.data()));
  state_.reset();
  return digest;
}

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256 digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), raw(bytes), bytes.size());
  return digest;
}

Sha256 sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text)));
}

Result<Sha256> sha256_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return not_read(errno, path);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "not_a_file", "{} is not a regular file", path.string());
  }
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (!file) return not_read(errno, path);
  Sha256Stream stream;
  std::vector<std::byte> chunk(kChunk_bytes);
  while (true) {
    const size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get());
    stream.add(std::span(chunk).first(got));
    if (got == chunk.size()) continue;
    if (std::ferror(file.get()) != 0) return not_read(errno, path);
    return stream.finish();
  }
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    hex += "0123456789abcdef"[value >> 4];
    hex += "0123456789abcdef"[value & 15];
  }
  return hex;
}

std::optional<Sha256> sha256_from_hex(std::string_view text) {
  Sha256 digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t index = 0; index < digest.size(); ++index) {
    const int high = digit_value(text[2 * index]);
    const int low = digit_value(text[2 * index + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[index] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

}  // namespace faceforge
