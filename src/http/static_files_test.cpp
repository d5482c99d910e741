#include "http/static_files.h"

#include <fstream>

#include <gtest/gtest.h>

#include "http/target.h"
#include "support/test_data.h"

namespace faceforge::http {
namespace {

class StaticFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "web/assets");
    write("secret.txt", "not for the world");
    write("web/index.html", "<html>");
    write("web/assets/app-1a2b.js", "run()");
    write("web/logo.svg", "<svg/>");
  }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(folder_.path() / name) << content;
  }
  [[nodiscard]] std::filesystem::path web() const { return folder_.path() / "web"; }

  faceforge::test::TemporaryFolder folder_;
};

std::optional<Response> ask(const StaticFiles& files, std::string_view path,
                            std::string_view if_none_match = "",
                            std::string_view accept_encoding = "") {
  return files.find(parse_target(path).value().segments,
                    {.if_none_match = if_none_match, .accept_encoding = accept_encoding});
}

TEST_F(StaticFilesTest, ServesFilesWithTheirTypes) {
  const StaticFiles files = StaticFiles::load(web()).value();
  const auto script = ask(files, "/assets/app-1a2b.js");
  ASSERT_TRUE(script);
  EXPECT_EQ(bytes_of(script->body), "run()");
  EXPECT_EQ(script->headers.find("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(script->headers.find("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(ask(files, "/logo.svg")->headers.find("Content-Type"), "image/svg+xml");
}

TEST_F(StaticFilesTest, ServesTheIndexForThePagesOwnAddresses) {
  const StaticFiles files = StaticFiles::load(web()).value();
  for (const char* path : {"/", "/galleries/7", "/log-in", "/galleries/7/"}) {
    const auto page = ask(files, path);
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(bytes_of(page->body), "<html>");
    EXPECT_EQ(page->headers.find("Cache-Control"), "no-cache");
    EXPECT_TRUE(page->headers.find("Content-Security-Policy")->contains("frame-ancestors 'none'"));
  }
  EXPECT_FALSE(ask(files, "/missing.js"));
}

TEST_F(StaticFilesTest, ServesTheSmallestFormThatIsAccepted) {
  write("web/assets/app-1a2b.js.br", "b");
  write("web/assets/app-1a2b.js.gz", "gz");
  const StaticFiles files = StaticFiles::load(web()).value();
  const auto form_of = [&](std::string_view accepted) {
    const auto script = ask(files, "/assets/app-1a2b.js", "", accepted).value();
    EXPECT_EQ(script.headers.find("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(script.headers.find("Vary"), "Accept-Encoding");
    return std::string(script.headers.find("Content-Encoding").value_or("")) + ":" +
           std::string(bytes_of(script.body));
  };
  EXPECT_EQ(form_of("gzip, deflate, br"), "br:b");
  EXPECT_EQ(form_of("GZIP;q=0.5"), "gzip:gz");
  EXPECT_EQ(form_of("br;q=0, gzip"), "gzip:gz");
  for (const char* none : {"", "deflate", "br;q=0.0", "brotli", ",,;=", "x-gzip"}) {
    EXPECT_EQ(form_of(none), ":run()") << none;
  }
}

TEST_F(StaticFilesTest, EachFormHasATagOfItsOwn) {
  write("web/index.html.br", "b");
  const StaticFiles files = StaticFiles::load(web()).value();
  const std::string plain(ask(files, "/")->headers.find("ETag").value());
  const std::string small(ask(files, "/", "", "br")->headers.find("ETag").value());
  EXPECT_NE(plain, small);
  EXPECT_EQ(ask(files, "/", small, "br")->status, 304);
  EXPECT_EQ(ask(files, "/", small)->status, 200);
}

TEST_F(StaticFilesTest, ACompressedFormIsNoFileAndNothingWithoutItsFile) {
  write("web/index.html.br", "b");
  write("web/alone.js.gz", "gz");
  const StaticFiles files = StaticFiles::load(web()).value();
  EXPECT_FALSE(ask(files, "/index.html.br"));
  EXPECT_FALSE(ask(files, "/alone.js.gz", "", "gzip"));
  EXPECT_FALSE(ask(files, "/alone.js", "", "gzip"));
}

TEST_F(StaticFilesTest, NeverLeavesItsFolder) {
  std::filesystem::create_symlink(folder_.path() / "secret.txt", web() / "link.txt");
  const StaticFiles files = StaticFiles::load(web()).value();
  for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                           "/assets/../../secret.txt", "/link.txt", "//secret.txt"}) {
    EXPECT_FALSE(ask(files, path)) << path;
  }
}

TEST_F(StaticFilesTest, SendsNothingAgainThatTheBrowserHas) {
  const StaticFiles files = StaticFiles::load(web()).value();
  const auto first = ask(files, "/");
  const auto again = ask(files, "/", *first->headers.find("ETag"));
  EXPECT_EQ(again->status, 304);
  EXPECT_EQ(bytes_of(again->body), "");
  EXPECT_EQ(ask(files, "/", "\"other\"")->status, 200);
}

TEST_F(StaticFilesTest, SaysThatThereAreNoPages) {
  EXPECT_EQ(StaticFiles::load(folder_.path()).error().reason, "web_folder_not_found");
  EXPECT_FALSE(ask(StaticFiles(), "/"));
}

TEST_F(StaticFilesTest, RefusesFoldersThatAreTooLarge) {
  for (size_t i = 0; i < StaticFiles::kMaxFiles; ++i) write(fmt::format("web/{}.txt", i), "");
  EXPECT_EQ(StaticFiles::load(web()).error().reason, "web_folder_too_large");
}

}  // namespace
}  // namespace faceforge::http
