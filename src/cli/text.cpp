#include "cli/text.h"

#include <array>
#include <cstdint>
#include <cwchar>
#include <optional>

#include <fmt/format.h>

namespace faceforge::cli {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t byte_count = 0;
};

/// The first code point of a text; nothing when its bytes are not UTF-8.
std::optional<CodePoint> first_code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return CodePoint{lead, 1};
  const size_t byte_count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < byte_count) return std::nullopt;
  uint32_t value = lead & (0xFFU >> (byte_count + 1));
  for (size_t i = 1; i < byte_count; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3F);
  }
  constexpr std::array<uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[byte_count] || value > 0x10FFFF || surrogate) return std::nullopt;
  return CodePoint{value, byte_count};
}

bool is_control(uint32_t code_point) {
  const bool directional = (code_point >= 0x202A && code_point <= 0x202E) ||
                           (code_point >= 0x2066 && code_point <= 0x2069);
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || directional;
}

/// Calls `visit(code point, its bytes)` for each; what is no UTF-8 comes as U+FFFD.
template <typename Visit>
void for_each_code_point(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto code_point = first_code_point(text);
    const size_t byte_count = code_point ? code_point->byte_count : 1;
    if (code_point) {
      visit(code_point->value, text.substr(0, byte_count));
    } else {
      visit(uint32_t{0xFFFD}, std::string_view("\xEF\xBF\xBD"));
    }
    text.remove_prefix(byte_count);
  }
}

}  // namespace

std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  for_each_code_point(text, [&](uint32_t, std::string_view bytes) { valid += bytes; });
  return valid;
}

std::string to_printable(std::string_view text) {
  std::string printable;
  for_each_code_point(text, [&](uint32_t code_point, std::string_view bytes) {
    if (is_control(code_point)) {
      printable += code_point < 0x100 ? fmt::format("\\x{:02x}", code_point)
                                      : fmt::format("\\u{:04x}", code_point);
    } else {
      printable += bytes;
    }
  });
  return printable;
}

std::string to_printable_lines(std::string_view text, size_t indent) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::string lines;
  while (true) {
    const size_t end = text.find('\n');
    lines += to_printable(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
    lines += '\n' + std::string(indent, ' ');
  }
}

size_t column_count(std::string_view text) {
  size_t count = 0;
  for_each_code_point(text, [&](uint32_t code_point, std::string_view) {
    const int width = wcwidth(static_cast<wchar_t>(code_point));
    count += width < 0 ? 1 : static_cast<size_t>(width);
  });
  return count;
}

}  // namespace faceforge::cli
