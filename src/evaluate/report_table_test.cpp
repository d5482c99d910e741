#include "evaluate/report_table.h"

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

TEST(ReportTable, InMarkdownColumnsLineUpAndCellsCannotBeLeft) {
  EXPECT_EQ(markdown_table({.titles = {"a", "name"}, .rows = {{"1", "x|y"}, {"22", "\u00e9"}}}),
            "| a  | name |\n"
            "|----|------|\n"
            "| 1  | x\\|y |\n"
            "| 22 | \u00e9    |\n\n");
  EXPECT_EQ(markdown_text("a\x1b[2J\nb_c<i>"), "a?\\[2J?b_c\\<i\\>");
}

TEST(ReportTable, InHtmlForeignTextStaysInItsCell) {
  EXPECT_EQ(html_table({.titles = {"<b>"}, .rows = {{"</td>"}, {"1 to 2 %"}}}),
            "<div class=\"wide\" tabindex=\"0\"><table><thead><tr><th>&lt;b&gt;</th></tr>\n"
            "</thead><tbody>\n<tr><td>&lt;/td&gt;</td></tr>\n"
            "<tr><td>1 to 2&nbsp;%</td></tr>\n</tbody></table></div>\n");
}

}  // namespace
}  // namespace faceforge::evaluate
