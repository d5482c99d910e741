#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace faceforge::cli {

/// Foreign text (a file's name, say) as valid UTF-8: what is not becomes U+FFFD. For JSON.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// The same, with control characters shown as `\x1b`: foreign text cannot move the cursor or forge
/// a line. For terminals.
[[nodiscard]] std::string to_printable(std::string_view text);

/// The same line by line, for texts that may have several; those after the first are indented by
/// `indent` spaces. A line break at the end is left out.
[[nodiscard]] std::string to_printable_lines(std::string_view text, size_t indent = 0);

/// How many columns of a terminal a text takes: code points, those that combine with the one before
/// counting none and wide ones (East Asian, emoji) two. Needs the locale set by `main`.
[[nodiscard]] size_t column_count(std::string_view text);

}  // namespace faceforge::cli
