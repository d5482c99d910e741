#include "crypto/totp.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <liboath/oath.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace faceforge::crypto {
namespace {

void start_oath() {
  static const int status = oath_init();
  CHECK_MSG(status == OATH_OK, "liboath does not start");
}

}  // namespace

std::string to_base32(const Secret& key) {
  start_oath();
  char* text = nullptr;
  size_t length = 0;
  CHECK(oath_base32_encode(key.text().data(), key.size(), &text, &length) == OATH_OK);
  const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
  std::string encoded(text, length);
  explicit_bzero(text, length);
  encoded.erase(std::ranges::find(encoded, '='), encoded.end());
  return encoded;
}

std::string totp_code(const Secret& key, int64_t step) {
  start_oath();
  CHECK(step >= 0);
  std::array<char, kTotpDigits + 1> code{};
  // A time-based code is the counter-based one of its step (RFC 6238, section 4.2).
  CHECK(oath_hotp_generate(key.text().data(), key.size(), static_cast<uint64_t>(step), kTotpDigits,
                           false, OATH_HOTP_DYNAMIC_TRUNCATION, code.data()) == OATH_OK);
  return code.data();
}

std::optional<int64_t> matching_totp_step(const Secret& key, std::string_view code,
                                          UnixTime_ms now_ms, int64_t after_step) {
  const int64_t present = now_ms / kTotpStep_ms;
  std::optional<int64_t> found;
  for (int64_t step = std::max<int64_t>(present - 1, 0); step <= present + 1; ++step) {
    if (equal_in_constant_time(totp_code(key, step), code) && step > after_step) found = step;
  }
  return found;
}

}  // namespace faceforge::crypto
