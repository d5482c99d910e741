#include "base/html_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(HtmlPage, ForeignTextIsTextInElementsAndInAttributes) {
  EXPECT_EQ(html_text("<b> & \"x\" \xFF\xC3\xA9"),
            "&lt;b&gt; &amp; &quot;x&quot; \xEF\xBF\xBD\xC3\xA9");
}

TEST(HtmlPage, ATitleCannotEndItsElement) {
  const std::string page = html_page("</title><script>", ".own { }", "<p>body");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr(".own { }</style>"));
  EXPECT_THAT(page, EndsWith("<main><p>body</main>\n</html>\n"));
}

TEST(HtmlPage, MayLoadNothingAndRunNothingButItsOwnScript) {
  const std::string silent = html_page("title", "", "<p>body");
  EXPECT_THAT(silent, HasSubstr("content=\"default-src 'none'; "));
  EXPECT_THAT(silent, Not(HasSubstr("script-src")));
  const std::string lively = html_page("title", "", "<p>body", "draw()");
  EXPECT_THAT(lively, HasSubstr("; script-src 'unsafe-inline'\">"));
  EXPECT_THAT(lively, EndsWith("<p>body</main>\n<script>draw()</script>\n</html>\n"));
}

TEST(HtmlPage, AKeyFigureIsText) {
  EXPECT_EQ(key_figure("FNMR <1>", "0 of 3", "a&b"),
            "<div><span>FNMR &lt;1&gt;</span><b>0 of 3</b><span>a&amp;b</span></div>\n");
}

// RFC 4648, section 10: the test vectors.
TEST(HtmlPage, APictureInThePageIsBase64) {
  const auto url = [](std::string_view text) {
    return data_url("image/png", std::as_bytes(std::span(text)));
  };
  EXPECT_EQ(url(""), "data:image/png;base64,");
  EXPECT_EQ(url("fo"), "data:image/png;base64,Zm8=");
  EXPECT_EQ(url("foobar"), "data:image/png;base64,Zm9vYmFy");
}

}  // namespace
}  // namespace faceforge
