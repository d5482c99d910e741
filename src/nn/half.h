#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace faceforge::nn {

/// Widens a 16-bit float; exact, for every one of them is a 32-bit float too.
///
/// source: IEEE 754-2008, binary16
[[nodiscard]] inline float from_half(uint16_t bits) {
  const auto sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1FU;
  const uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

}  // namespace faceforge::nn
