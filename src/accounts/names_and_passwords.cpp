#include "accounts/names_and_passwords.h"

#include "accounts/internal/common_passwords.h"
#include "base/unicode.h"

namespace faceforge::accounts {
namespace {

constexpr size_t kMaxUtf8_bytes = 4;  // of one character

// Longer text is refused before any work is put into it.
bool is_far_too_long(std::string_view text, size_t limit_characters) {
  return text.size() > kMaxUtf8_bytes * limit_characters;
}

bool is_allowed_in_names(char32_t c) {
  if (c == U'.' || c == U'_' || c == U'-' || c == U'@') return true;
  const CharacterKind kind = kind_of(c);
  // Marks are the vowels of many scripts. Alone, or as the first, they change nothing for anyone.
  return kind == CharacterKind::Letter || kind == CharacterKind::Digit ||
         kind == CharacterKind::Mark;
}

// For readers who know no code points, which stay for what cannot be seen.
std::string describe(char32_t c) {
  if (c == U' ') return "spaces";
  if (c > U' ' && c < 0x7F) return fmt::format("\"{}\"", static_cast<char>(c));
  return fmt::format("other signs (U+{:04X})", static_cast<uint32_t>(c));
}

Unexpected wrong_name_length(size_t characters) {
  return fail(ErrorCode::InvalidInput, "user_name_length",
              "a user's name has {} to {} characters, not {}", kUserNameMin_characters,
              kUserNameMax_characters, characters);
}

Unexpected password_too_long() {
  return fail(ErrorCode::InvalidInput, "password_too_long", "a password has at most {} characters",
              kPasswordMax_characters);
}

bool is_common(std::string_view folded) {
  // The list has no line ends within its entries, so a password with one is none of them.
  if (folded.find('\n') != std::string_view::npos) return false;
  return internal::kCommonPasswords.find(fmt::format("\n{}\n", folded)) != std::string_view::npos;
}

}  // namespace

Result<UserName> parse_user_name(std::string_view text) {
  if (is_far_too_long(text, kUserNameMax_characters)) return wrong_name_length(text.size());
  const auto shown = to_nfc(text);
  if (!shown) {
    return fail(ErrorCode::InvalidInput, "user_name_not_utf8", "a user's name must be UTF-8");
  }
  const std::u32string characters = to_code_points(*shown).value();
  if (characters.size() < kUserNameMin_characters || characters.size() > kUserNameMax_characters) {
    return wrong_name_length(characters.size());
  }
  for (const char32_t c : characters) {
    if (is_allowed_in_names(c)) continue;
    return fail(ErrorCode::InvalidInput, "user_name_characters",
                "a user's name is made of letters, digits and . _ - @; not of {}", describe(c));
  }
  auto folded = TRY(fold_case(*shown));
  return UserName{.shown = *shown, .folded = std::move(folded)};
}

Result<std::string> normalize_password(std::string_view password) {
  if (is_far_too_long(password, kPasswordMax_characters)) return password_too_long();
  auto normalized = to_nfkc(password);
  if (!normalized) {
    return fail(ErrorCode::InvalidInput, "password_not_utf8", "a password must be UTF-8");
  }
  if (to_code_points(*normalized)->size() > kPasswordMax_characters) return password_too_long();
  return *std::move(normalized);
}

Result<std::string> accept_new_password(std::string_view password, const UserName& name) {
  std::string normalized = TRY(normalize_password(password));
  const size_t length = to_code_points(normalized)->size();
  if (length < kPasswordMin_characters) {
    return fail(ErrorCode::InvalidInput, "password_too_short",
                "a password has at least {} characters, not {}", kPasswordMin_characters, length);
  }
  const std::string folded = TRY(fold_case(normalized));
  if (folded == name.folded) {
    return fail(ErrorCode::InvalidInput, "password_is_name",
                "a password must not be the user's name");
  }
  if (is_common(folded)) {
    return fail(ErrorCode::InvalidInput, "password_common",
                "this password is among those that attackers try first; choose another");
  }
  return normalized;
}

}  // namespace faceforge::accounts
