#include "accounts/names_and_passwords.h"

#include "accounts/internal/common_passwords.h"
#include "base/unicode.h"
#include "base/wipe.h"

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

/// Without a copy of the text; a byte that is no UTF-8 counts as one.
size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for_each_code_point(text, [&](char32_t, std::string_view) { ++count; });
  return count;
}

Unexpected wrong_name_length(size_t characters) {
  return fail(ErrorCode::InvalidInput, "user_name_length",
              "a user's name has {} to {} characters, not {}", kUserNameMin_characters,
              kUserNameMax_characters, characters);
}

Unexpected password_too_long(std::string_view password) {
  return fail(ErrorCode::InvalidInput, "password_too_long",
              "a password has at most {} characters, not {}", kPasswordMax_characters,
              count_code_points(password));
}

/// Whether it is a line of the list. Looked for in place: no copy of it is made.
bool is_common(std::string_view folded) {
  // The list has no line ends within its entries, so a password with one is none of them.
  if (folded.empty() || folded.find('\n') != std::string_view::npos) return false;
  const std::string_view list = internal::kCommonPasswords;
  for (size_t at = list.find(folded); at != list.npos; at = list.find(folded, at + 1)) {
    const size_t end = at + folded.size();
    if (at > 0 && list[at - 1] == '\n' && end < list.size() && list[end] == '\n') return true;
  }
  return false;
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

Result<crypto::Secret> normalize_password(std::string_view password) {
  if (is_far_too_long(password, kPasswordMax_characters)) return password_too_long(password);
  auto normalized = to_nfkc(password);
  if (!normalized) {
    return fail(ErrorCode::InvalidInput, "password_not_utf8", "a password must be UTF-8");
  }
  const WipedAtEnd wiped(*normalized);
  if (count_code_points(*normalized) > kPasswordMax_characters) {
    return password_too_long(*normalized);
  }
  return crypto::Secret::copy_of(std::string_view(*normalized));
}

Result<crypto::Secret> accept_new_password(std::string_view password, const UserName& name) {
  crypto::Secret normalized = TRY(normalize_password(password));
  const size_t length = count_code_points(normalized.text());
  if (length < kPasswordMin_characters) {
    return fail(ErrorCode::InvalidInput, "password_too_short",
                "a password has at least {} characters, not {}", kPasswordMin_characters, length);
  }
  std::string folded = TRY(fold_case(normalized.text()));
  const WipedAtEnd wiped(folded);
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
