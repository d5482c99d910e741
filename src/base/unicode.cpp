#include "base/unicode.h"

#include <cstdlib>
#include <memory>

#include <utf8proc.h>

namespace faceforge {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

// Calls `visit(code_point)` on each; false when the text is not UTF-8.
template <typename Visit>
bool for_each_code_point(std::string_view text, Visit visit) {
  while (!text.empty()) {
    utf8proc_int32_t code_point = -1;
    const auto length =
        utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (length <= 0) return false;
    visit(static_cast<char32_t>(code_point));
    text.remove_prefix(static_cast<size_t>(length));
  }
  return true;
}

Result<std::string> map(std::string_view text, unsigned options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto length =
      utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length < 0) {
    return fail(ErrorCode::InvalidInput, "text_not_utf8", "a text of {} bytes is not UTF-8",
                text.size());
  }
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
}

}  // namespace

bool is_utf8(std::string_view text) {
  return for_each_code_point(text, [](char32_t) {});
}

std::optional<std::u32string> to_code_points(std::string_view text) {
  std::u32string code_points;
  if (!for_each_code_point(text, [&](char32_t c) { code_points.push_back(c); })) {
    return std::nullopt;
  }
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
