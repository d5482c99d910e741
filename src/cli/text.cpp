#include "cli/text.h"

#include <cstdint>
#include <cwchar>

#include <fmt/format.h>

#include "base/unicode.h"

namespace faceforge::cli {
namespace {

bool is_control(char32_t code_point) {
  const bool directional = (code_point >= 0x202A && code_point <= 0x202E) ||
                           (code_point >= 0x2066 && code_point <= 0x2069);
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || directional;
}

}  // namespace

std::string to_printable(std::string_view text) {
  std::string printable;
  for_each_code_point(text, [&](char32_t code_point, std::string_view bytes) {
    if (is_control(code_point)) {
      printable += code_point < 0x100 ? fmt::format("\\x{:02x}", uint32_t{code_point})
                                      : fmt::format("\\u{:04x}", uint32_t{code_point});
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
  for_each_code_point(text, [&](char32_t code_point, std::string_view) {
    const int width = wcwidth(static_cast<wchar_t>(code_point));
    count += width < 0 ? 1 : static_cast<size_t>(width);
  });
  return count;
}

}  // namespace faceforge::cli
