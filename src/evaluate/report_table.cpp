#include "evaluate/report_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/html_page.h"
#include "base/unicode.h"

namespace faceforge::evaluate {
namespace {

using Cells = std::vector<std::string>;

/// Code points, which is what a monospaced font shows of most scripts.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

void check_table(const ReportTable& table) {
  for (const Cells& row : table.rows) CHECK(row.size() == table.titles.size());
}

/// A cell's text, in which no line breaks between a number and its `%`.
std::string html_cell(std::string_view text) {
  std::string html;
  for (const char character : html_text(text)) {
    if (character == '%' && html.ends_with(' ')) html.replace(html.size() - 1, 1, "&nbsp;");
    html += character;
  }
  return html;
}

std::string html_row(const Cells& cells, std::string_view element) {
  std::string html = "<tr>";
  for (const std::string& cell : cells) {
    html += fmt::format("<{0}>{1}</{0}>", element, html_cell(cell));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string markdown_table(const ReportTable& table) {
  check_table(table);
  std::vector<Cells> lines{table.titles};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<size_t> widths(table.titles.size());
  for (Cells& line : lines) {
    for (size_t column = 0; column < line.size(); ++column) {
      line[column] = markdown_text(line[column]);
      widths[column] = std::max(widths[column], width_of(line[column]));
    }
  }
  std::string text;
  for (const Cells& line : lines) {
    const bool are_titles = text.empty();
    text += "|";
    for (size_t column = 0; column < line.size(); ++column) {
      const size_t missing = widths[column] - width_of(line[column]);
      text += " " + line[column] + std::string(missing, ' ') + " |";
    }
    text += "\n";
    if (!are_titles) continue;
    text += "|";
    for (const size_t width : widths) text += std::string(width + 2, '-') + "|";
    text += "\n";
  }
  return text + "\n";
}

std::string html_table(const ReportTable& table) {
  check_table(table);
  std::string html = "<div class=\"wide\" tabindex=\"0\"><table><thead>" +
                     html_row(table.titles, "th") + "</thead><tbody>\n";
  for (const Cells& row : table.rows) html += html_row(row, "td");
  return html + "</tbody></table></div>\n";
}

std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char character : to_valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F) {
      escaped += "?";
      continue;
    }
    if (std::string_view("\\`*[]<>|").contains(character)) escaped += '\\';
    escaped += character;
  }
  return escaped;
}

}  // namespace faceforge::evaluate
