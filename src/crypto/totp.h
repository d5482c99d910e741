#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/secret.h"

namespace faceforge::crypto {

inline constexpr size_t kTotpKey_bytes = 20;
inline constexpr unsigned kTotpDigits = 6;
inline constexpr int64_t kTotpStep_ms = 30'000;

/// RFC 4648 Base32 without padding: what people type into an authenticator.
[[nodiscard]] std::string to_base32(const Secret& key);

/// The code of one time step.
///
/// in:     `step` is the time since 1970 in units of kTotpStep_ms, not negative (a CHECK)
/// source: RFC 6238 with HMAC-SHA-1 and 6 digits, which every authenticator has
[[nodiscard]] std::string totp_code(const Secret& key, int64_t step);

/// Finds the time step whose code this is, among the present one and its two neighbours: clocks
/// differ, and people type slowly.
///
/// in:  `after_step`: the step of the last code that was taken, so that none is taken twice
/// out: the step; nothing when the code is none of theirs
/// source: RFC 6238, section 5.2
[[nodiscard]] std::optional<int64_t> matching_totp_step(const Secret& key, std::string_view code,
                                                        UnixTime_ms now_ms, int64_t after_step);

}  // namespace faceforge::crypto
