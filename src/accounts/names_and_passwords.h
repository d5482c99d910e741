#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace faceforge::accounts {

inline constexpr size_t kUserNameMin_characters = 3;
inline constexpr size_t kUserNameMax_characters = 64;
inline constexpr size_t kPasswordMin_characters = 8;
inline constexpr size_t kPasswordMax_characters = 256;

/// A user's name in the form that is shown and in the one that is compared.
struct UserName {
  std::string shown;   ///< composed (NFC)
  std::string folded;  ///< without case and compatibility differences (NFKC, case folded): unique
};

/// Reads a user's name: letters and digits of any script, and `.`, `_`, `-`, `@`.
///
/// fails: invalid_input/user_name_length (3 to 64 characters), user_name_characters (naming the
///        first that is not allowed), user_name_not_utf8
[[nodiscard]] Result<UserName> parse_user_name(std::string_view text);

/// Checks a new password and returns the form that is hashed (NFKC, so that the same keys pressed
/// on another system give the same password). What it is made of is free: long beats complicated.
///
/// fails: invalid_input/password_too_short, password_too_long (8 to 256 characters),
///        password_not_utf8, password_common (among the 17 950 in
///        `common_passwords.txt`, in any case),
///        password_is_name. No message holds the password.
/// source: NIST SP 800-63B, section 5.1.1.2
[[nodiscard]] Result<crypto::Secret> accept_new_password(std::string_view password,
                                                         const UserName& name);

/// The form that is hashed, for comparing with a stored hash. Never cut: what is too long is
/// refused.
///
/// fails: invalid_input/password_not_utf8; invalid_input/password_too_long, naming the length
[[nodiscard]] Result<crypto::Secret> normalize_password(std::string_view password);

}  // namespace faceforge::accounts
