#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faceforge::evaluate {

/// A table of a report, as text: it is escaped where it is written.
struct ReportTable {
  std::vector<std::string> titles{};
  std::vector<std::vector<std::string>> rows{};  ///< one cell a title each
};

/// The table in Markdown, with columns padded so that it is good to read as it is.
///
/// in: as many cells a row as there are titles (a CHECK)
[[nodiscard]] std::string markdown_table(const ReportTable& table);

/// The table in HTML; it scrolls by itself where the screen is narrower.
///
/// in: as many cells a row as there are titles (a CHECK)
[[nodiscard]] std::string html_table(const ReportTable& table);

/// Foreign text for Markdown: control characters and what would be markup are made harmless.
[[nodiscard]] std::string markdown_text(std::string_view text);

}  // namespace faceforge::evaluate
