#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace faceforge::cli {

/// Foreign text (a file's name, say) for a terminal: what is no UTF-8 becomes U+FFFD, and control
/// characters are shown as `\x1b`, so that it cannot move the cursor or forge a line.
[[nodiscard]] std::string to_printable(std::string_view text);

/// The same line by line, for texts that may have several; those after the first are indented by
/// `indent` spaces. A line break at the end is left out.
[[nodiscard]] std::string to_printable_lines(std::string_view text, size_t indent = 0);

/// How many columns of a terminal a text takes: code points, those that combine with the one before
/// counting none and wide ones (East Asian, emoji) two. Needs the locale set by `main`.
[[nodiscard]] size_t column_count(std::string_view text);

}  // namespace faceforge::cli
