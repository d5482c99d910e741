#include "gallery/name.h"

#include <cstddef>
#include <cstdint>

#include "base/sha256.h"
#include "base/unicode.h"

namespace faceforge::gallery {
namespace {

/// No name of kMaxNameCharacters needs more; bounds the work on foreign text.
constexpr size_t kMaxNameBytes = 16'384;

constexpr char32_t kLineSeparator = 0x2028;
constexpr char32_t kParagraphSeparator = 0x2029;

/// source: Unicode 15, property White_Space
bool is_white_space(char32_t character) {
  return (character >= '\t' && character <= '\r') || character == ' ' || character == 0x85 ||
         character == 0xA0 || character == 0x1680 || (character >= 0x2000 && character <= 0x200A) ||
         character == kLineSeparator || character == kParagraphSeparator || character == 0x202F ||
         character == 0x205F || character == 0x3000;
}

bool is_control(char32_t character) {
  return kind_of(character) == CharacterKind::Control || character == kLineSeparator ||
         character == kParagraphSeparator;
}

size_t utf8_size(char32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

/// in: UTF-8
std::string_view trimmed(std::string_view text, std::u32string_view characters) {
  while (!characters.empty() && is_white_space(characters.front())) {
    text.remove_prefix(utf8_size(characters.front()));
    characters.remove_prefix(1);
  }
  while (!characters.empty() && is_white_space(characters.back())) {
    text.remove_suffix(utf8_size(characters.back()));
    characters.remove_suffix(1);
  }
  return text;
}

}  // namespace

Result<std::string> checked_name(std::string_view text) {
  if (text.size() > kMaxNameBytes) {
    return fail(ErrorCode::InvalidInput, "name_too_long",
                "the name has {} bytes; the limit is {} characters", text.size(),
                kMaxNameCharacters);
  }
  const auto written = to_code_points(text);
  if (!written) return fail(ErrorCode::InvalidInput, "name_not_utf8", "the name is not UTF-8");
  std::string name = TRY(to_nfc(trimmed(text, *written)));
  const std::u32string characters = to_code_points(name).value_or(U"");
  for (const char32_t character : characters) {
    if (is_control(character)) {
      return fail(ErrorCode::InvalidInput, "name_control_character",
                  "the name holds the control character U+{:04X}",
                  static_cast<uint32_t>(character));
    }
  }
  if (characters.empty()) return fail(ErrorCode::InvalidInput, "name_empty", "the name is empty");
  if (characters.size() > size_t{kMaxNameCharacters}) {
    return fail(ErrorCode::InvalidInput, "name_too_long",
                "the name has {} characters; the limit is {}", characters.size(),
                kMaxNameCharacters);
  }
  return name;
}

std::string shown_file_name(std::string_view sent, std::span<const std::byte> file) {
  const auto name = checked_name(sent.substr(sent.find_last_of("/\\") + 1));
  return name ? *name : "photo-" + to_hex(sha256(file)).substr(0, 8);
}

}  // namespace faceforge::gallery
