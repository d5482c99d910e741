#include "evaluate/plot_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

using testing::HasSubstr;

TEST(PlotPage, APlotsDataCannotEndItsScript) {
  const std::string plot = html_plot({{"title", "</script><script>alert(1)"}}, "a \"plot\"");
  EXPECT_EQ(plot.find("</script>"), plot.rfind("</script>"));
  EXPECT_THAT(plot, HasSubstr("\\u003c/script>"));
  EXPECT_THAT(plot, HasSubstr("aria-label=\"a &quot;plot&quot;\""));
}

TEST(PlotPage, HoldsTheScriptThatDraws) {
  const std::string page = plot_page("T & T", "<section>body</section>", "draw()");
  EXPECT_THAT(page, HasSubstr("<title>T &amp; T</title>"));
  EXPECT_THAT(page, HasSubstr("<section>body</section></main>\n<script>draw()</script>"));
}

}  // namespace
}  // namespace faceforge::evaluate
