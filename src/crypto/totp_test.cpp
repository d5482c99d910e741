#include "crypto/totp.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace faceforge::crypto {
namespace {

Secret rfc_key() {
  return Secret::copy_of(std::string_view("12345678901234567890"));
}

// RFC 6238, appendix B, SHA-1; its codes have 8 digits, of which 6 digits are the last.
TEST(Totp, CodesAreThoseOfTheRfc) {
  for (const auto& [seconds, code] :
       {std::pair(59, "287082"), std::pair(1111111109, "081804"), std::pair(1111111111, "050471"),
        std::pair(1234567890, "005924"), std::pair(2000000000, "279037")}) {
    EXPECT_EQ(totp_code(rfc_key(), seconds / 30), code) << seconds;
  }
}

// RFC 4648, section 10.
TEST(Totp, KeysAreWrittenInBase32WithoutPadding) {
  EXPECT_EQ(to_base32(Secret::copy_of(std::string_view("foobar"))), "MZXW6YTBOI");
  EXPECT_EQ(to_base32(Secret::copy_of(std::string_view("fooba"))), "MZXW6YTB");
}

TEST(Totp, ACodeOfThePresentStepOrANeighbourIsFound) {
  const Secret key = rfc_key();
  constexpr UnixTime_ms kNow_ms = 1111111111 * int64_t{1000};
  constexpr int64_t kPresent = 1111111111 / 30;
  for (const int64_t offset : {-1, 0, 1}) {
    EXPECT_EQ(matching_totp_step(key, totp_code(key, kPresent + offset), kNow_ms, 0),
              kPresent + offset);
  }
  for (const int64_t offset : {-2, 2}) {
    EXPECT_FALSE(matching_totp_step(key, totp_code(key, kPresent + offset), kNow_ms, 0));
  }
  EXPECT_FALSE(matching_totp_step(key, "", kNow_ms, 0));
  EXPECT_FALSE(matching_totp_step(key, "0504710", kNow_ms, 0));
}

TEST(Totp, ACodeThatWasTakenIsNotTakenAgain) {
  const Secret key = rfc_key();
  constexpr UnixTime_ms kNow_ms = 59'000;
  EXPECT_EQ(matching_totp_step(key, "287082", kNow_ms, 0), 1);
  EXPECT_FALSE(matching_totp_step(key, "287082", kNow_ms, 1));
}

}  // namespace
}  // namespace faceforge::crypto
