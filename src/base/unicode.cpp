#include "base/unicode.h"

#include <algorithm>

#include <utf8proc.h>

#include "base/wipe.h"

namespace faceforge {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

struct CodePoint {
  char32_t value = 0;
  size_t byte_count = 0;  ///< 0 where the text does not begin with UTF-8
};

CodePoint first_code_point(std::string_view text) {
  utf8proc_int32_t value = -1;
  const auto length =
      utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (length <= 0) return {};
  return {static_cast<char32_t>(value), static_cast<size_t>(length)};
}

/// As utf8proc_map, in memory that is wiped: the text may be a password.
Result<std::string> map(std::string_view text, unsigned chosen) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | chosen);
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  WipedVector<utf8proc_int32_t> code_points;
  auto length = utf8proc_decompose(bytes_of(text), size, nullptr, 0, options);
  if (length >= 0) {
    code_points.resize(static_cast<size_t>(length) + 1);  // one more for the final NUL
    length = utf8proc_decompose(bytes_of(text), size, code_points.data(), length, options);
  }
  if (length >= 0) length = utf8proc_reencode(code_points.data(), length, options);
  if (length < 0) {
    return fail(ErrorCode::InvalidInput, "text_not_utf8", "a text of {} bytes is not UTF-8",
                text.size());
  }
  return std::string(reinterpret_cast<const char*>(code_points.data()),
                     static_cast<size_t>(length));
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t byte_count = first_code_point(text).byte_count;
    if (byte_count == 0) return false;
    text.remove_prefix(byte_count);
  }
  return true;
}

void for_each_code_point(std::string_view text,
                         const std::function<void(char32_t, std::string_view)>& visit) {
  while (!text.empty()) {
    const auto [value, byte_count] = first_code_point(text);
    if (byte_count > 0) {
      visit(value, text.substr(0, byte_count));
    } else {
      visit(U'\uFFFD', "\uFFFD");
    }
    text.remove_prefix(std::max<size_t>(byte_count, 1));
  }
}

std::string to_valid_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string valid;
  for_each_code_point(text, [&](char32_t, std::string_view bytes) { valid += bytes; });
  return valid;
}

std::optional<std::u32string> to_code_points(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  std::u32string code_points;
  for_each_code_point(text, [&](char32_t value, std::string_view) { code_points += value; });
  return code_points;
}

Result<std::string> to_nfc(std::string_view text) {
  return map(text, UTF8PROC_COMPOSE);
}

Result<std::string> to_nfkc(std::string_view text) {
  return map(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
}

Result<std::string> fold_case(std::string_view text) {
  return map(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
}

Result<std::string> fold_for_search(std::string_view text) {
  return map(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE |
                       UTF8PROC_STRIPMARK);
}

CharacterKind kind_of(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterKind::Letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharacterKind::Mark;
    case UTF8PROC_CATEGORY_ND:
      return CharacterKind::Digit;
    case UTF8PROC_CATEGORY_CC:
      return CharacterKind::Control;
    default:
      return CharacterKind::Other;
  }
}

}  // namespace faceforge
