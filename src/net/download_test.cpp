#include "net/download.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"
#include "support/test_data.h"
#include "support/web_server.h"

namespace faceforge::net {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Answer = test::WebServer::Answer;
using test::WebServer;

std::string some_contents(size_t size) {
  std::string contents;
  for (size_t i = 0; i < size; ++i) contents += static_cast<char>('a' + i * i % 23);
  return contents;
}

Answer whole(const std::string& contents, const std::string& headers = "\r\nETag: \"one\"") {
  return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(contents.size()) + headers,
          contents};
}

// As `whole`, but the connection breaks after `sent` bytes.
Answer broken(const std::string& contents, size_t sent,
              const std::string& headers = "\r\nETag: \"one\"") {
  Answer answer = whole(contents, headers);
  answer.body.resize(sent);
  return answer;
}

Answer rest(const std::string& contents, size_t from, const std::string& etag = "\"one\"") {
  return {"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
              std::to_string(contents.size() - 1) + "/" + std::to_string(contents.size()) +
              "\r\nContent-Length: " + std::to_string(contents.size() - from) + "\r\nETag: " + etag,
          contents.substr(from)};
}

class DownloadTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path destination() const { return folder_.path() / "pack.zip"; }
  [[nodiscard]] std::string downloaded() const {
    return read_text_file(destination(), 1 << 24).value_or("(nothing)");
  }
  [[nodiscard]] size_t entry_count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }
  [[nodiscard]] uintmax_t part_size() const {
    return fs::file_size(folder_.path() / "pack.zip.part");
  }
  static DownloadOptions options() {
    return {.allowed_addresses = AllowedAddresses::Any, .retry_limit = 2, .retry_wait_ms = 1};
  }
  Result<DownloadReport> fetch(const WebServer& server, const DownloadOptions& how = options()) {
    return download(server.url(), destination(), how);
  }
  [[nodiscard]] std::string reason(const WebServer& server,
                                   const DownloadOptions& how = options()) {
    const auto report = download(server.url(), destination(), how);
    return report ? "(downloaded)" : report.error().reason;
  }
  [[nodiscard]] const fs::path& folder() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

// ---- the straight way

TEST_F(DownloadTest, AFileArrivesWholeWithItsHashAndNothingElseIsLeft) {
  const std::string contents = some_contents(300'000);
  const WebServer server([&](const std::string&, int) { return whole(contents); });
  const auto report = fetch(server).value();
  EXPECT_EQ(downloaded(), contents);
  EXPECT_EQ(report.size_bytes, contents.size());
  EXPECT_EQ(report.resumed_at_bytes, 0u);
  EXPECT_EQ(report.sha256, to_hex(sha256(contents)));
  EXPECT_EQ(entry_count(), 1u);
  EXPECT_THAT(server.requests()[0], HasSubstr("GET /pack.zip HTTP/1.1"));
}

TEST_F(DownloadTest, TheRightHashIsAcceptedInEitherCase) {
  const WebServer server([&](const std::string&, int) { return whole("contents"); });
  auto how = options();
  how.expected_sha256 = "d1b2a59fbea7e20077af9f91b27e95e865061b270be03ff539ab3b73587882e8";
  EXPECT_TRUE(fetch(server, how));
  how.expected_sha256 = "D1B2A59FBEA7E20077AF9F91B27E95E865061B270BE03FF539AB3B73587882E8";
  EXPECT_TRUE(fetch(server, how));
}

TEST_F(DownloadTest, AnEmptyFileAndOneOfUnknownLengthArrive) {
  const WebServer empty([](const std::string&, int) { return whole(""); });
  EXPECT_EQ(fetch(empty).value().size_bytes, 0u);
  EXPECT_EQ(downloaded(), "");
  const WebServer unknown([](const std::string&, int) { return Answer{"HTTP/1.1 200 OK", "abc"}; });
  EXPECT_EQ(fetch(unknown).value().size_bytes, 3u);
  EXPECT_EQ(downloaded(), "abc");
}

TEST_F(DownloadTest, ProgressGoesUpToTheWhole) {
  const std::string contents = some_contents(100'000);
  const WebServer server([&](const std::string&, int) { return whole(contents); });
  std::vector<DownloadProgress> seen;
  auto how = options();
  how.on_progress = [&seen](const DownloadProgress& progress) { seen.push_back(progress); };
  ASSERT_TRUE(fetch(server, how));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().received_bytes, contents.size());
  EXPECT_EQ(seen.back().total_bytes, contents.size());
}

// ---- resuming

TEST_F(DownloadTest, AConnectionThatBreaksHalfWayIsResumedWhereItBroke) {
  const std::string contents = some_contents(200'000);
  const WebServer server([&](const std::string&, int number) {
    return number == 0 ? broken(contents, 120'000) : rest(contents, 120'000);
  });
  EXPECT_EQ(fetch(server).value().sha256, to_hex(sha256(contents)));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_THAT(server.ranges(), ElementsAre("", "bytes=120000-"));
  EXPECT_EQ(WebServer::header(server.requests()[1], "If-Range: "), "\"one\"");
}

TEST_F(DownloadTest, ALaterCallGoesOnWhereAnEarlierOneGaveUp) {
  const std::string contents = some_contents(200'000);
  auto once = options();
  once.retry_limit = 0;
  bool repaired = false;
  const WebServer server([&](const std::string&, int) {
    return repaired ? rest(contents, 50'000) : broken(contents, 50'000);
  });
  const auto interrupted = fetch(server, once);
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, ErrorCode::Busy);
  EXPECT_EQ(interrupted.error().reason, "download_interrupted");
  EXPECT_FALSE(fs::exists(destination()));
  EXPECT_EQ(part_size(), 50'000u);
  repaired = true;
  EXPECT_EQ(fetch(server, once).value().resumed_at_bytes, 50'000u);
  EXPECT_EQ(downloaded(), contents);
  EXPECT_EQ(entry_count(), 1u);
}

TEST_F(DownloadTest, TheDateServesWhereThereIsNoStrongEtag) {
  const std::string contents = some_contents(1000);
  const std::string headers =
      "\r\nETag: W/\"weak\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT";
  const WebServer server([&](const std::string&, int number) {
    return number == 0 ? broken(contents, 400, headers) : rest(contents, 400, "W/\"weak\"");
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_EQ(WebServer::header(server.requests()[1], "If-Range: "), "Sun, 22 Nov 2026 10:00:00 GMT");
}

TEST_F(DownloadTest, WithoutAnyMarkOfTheFileItStartsAgain) {
  const std::string contents = some_contents(1000);
  const WebServer server([&](const std::string&, int number) {
    return number == 0 ? broken(contents, 400, "") : whole(contents, "");
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_THAT(server.ranges(), ElementsAre("", ""));
}

TEST_F(DownloadTest, AServerThatCannotResumeSendsAllOfItAgain) {
  const std::string contents = some_contents(1000);
  const WebServer server([&](const std::string&, int number) {
    return number == 0 ? broken(contents, 400) : whole(contents);
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_THAT(server.ranges(), ElementsAre("", "bytes=400-"));
}

TEST_F(DownloadTest, WhatWasSentAgainIsNotReportedAsResumed) {
  const std::string contents = some_contents(1000);
  auto once = options();
  once.retry_limit = 0;
  const WebServer server([&](const std::string&, int number) {
    return number == 0 ? broken(contents, 400) : whole(contents);
  });
  ASSERT_FALSE(fetch(server, once));
  EXPECT_EQ(part_size(), 400u);
  EXPECT_EQ(fetch(server, once).value().resumed_at_bytes, 0u);
  EXPECT_EQ(downloaded(), contents);
}

TEST_F(DownloadTest, AFileThatChangedInBetweenIsNeverMixed) {
  const std::string before = some_contents(1000);
  const std::string after(1200, 'N');
  // An honest server answers If-Range with the whole; this one resumes into the new file.
  const WebServer server([&](const std::string& request, int number) {
    if (number == 0) return broken(before, 400);
    const bool resumes = !WebServer::header(request, "Range: ").empty();
    return resumes ? rest(after, 400, "\"two\"") : whole(after, "\r\nETag: \"two\"");
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), after);
  EXPECT_THAT(server.ranges(), ElementsAre("", "bytes=400-", ""));
}

TEST_F(DownloadTest, AServerThatResumesAtAnotherPlaceIsNotBelieved) {
  const std::string contents = some_contents(1000);
  const WebServer server([&](const std::string& request, int number) {
    if (number == 0) return broken(contents, 400);
    return WebServer::header(request, "Range: ").empty() ? whole(contents) : rest(contents, 300);
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), contents);
}

TEST_F(DownloadTest, WrongContentsAfterResumingAreFoundByTheHashAndFetchedAgain) {
  const std::string contents = some_contents(1000);
  auto how = options();
  how.expected_sha256 = to_hex(sha256(contents));
  how.retry_limit = 0;
  bool lying = true;
  const WebServer server([&](const std::string& request, int number) {
    if (number == 0) return broken(contents, 400);
    if (WebServer::header(request, "Range: ").empty()) return whole(contents);
    return rest(lying ? std::string(1000, 'X') : contents, 400);  // under the same ETag
  });
  EXPECT_EQ(reason(server, how), "download_interrupted");
  EXPECT_TRUE(fetch(server, how));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_THAT(server.ranges(), ElementsAre("", "bytes=400-", ""));
}

TEST_F(DownloadTest, APartThatWasCompleteAlreadyIsFinished) {
  const std::string contents = some_contents(1000);
  const WebServer server([&](const std::string&, int number) {
    Answer answer = broken(contents, 1000);
    answer.head = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\nETag: \"one\"";  // one too many
    if (number == 0) return answer;
    return Answer{
        "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */1000\r\n"
        "Content-Length: 4",
        "none"};
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), contents);
}

TEST_F(DownloadTest, AFileThatIsShorterNowStartsAgain) {
  const std::string before = some_contents(1000);
  const WebServer server([&](const std::string& request, int number) {
    if (number == 0) return broken(before, 400);
    if (WebServer::header(request, "Range: ").empty()) return whole("short");
    return Answer{"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5", ""};
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(downloaded(), "short");
}

TEST_F(DownloadTest, ThePartOfAnotherUrlIsNotContinued) {
  const std::string contents = some_contents(1000);
  auto once = options();
  once.retry_limit = 0;
  const WebServer server([&](const std::string& request, int) {
    return request.find("/other") == std::string::npos ? broken(contents, 400) : whole("other");
  });
  EXPECT_EQ(reason(server, once), "download_interrupted");
  ASSERT_TRUE(download(server.url("/other"), destination(), once));
  EXPECT_EQ(downloaded(), "other");
  EXPECT_THAT(server.ranges(), ElementsAre("", ""));
}

TEST_F(DownloadTest, ALineThatBreaksOftenIsNoHindranceAsLongAsItBringsSomething) {
  const std::string contents = some_contents(3'000'000);
  const WebServer server([&](const std::string& request, int) {
    const std::string range = WebServer::header(request, "Range: ");
    const size_t from = range.empty() ? 0 : std::stoul(range.substr(6));
    Answer answer = range.empty() ? whole(contents) : rest(contents, from);
    answer.body.resize(std::min<size_t>(answer.body.size(), 300'000));
    return answer;
  });
  auto how = options();
  how.retry_limit = 1;
  ASSERT_TRUE(fetch(server, how));
  EXPECT_EQ(downloaded(), contents);
  EXPECT_EQ(server.requests().size(), 10u);
}

// ---- refusals

TEST_F(DownloadTest, AWrongHashIsCorruptAndThePartIsRemoved) {
  const WebServer server([](const std::string&, int) { return whole("contents"); });
  auto how = options();
  how.expected_sha256 = std::string(64, '0');
  const auto report = fetch(server, how);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(report.error().reason, "sha256_mismatch");
  EXPECT_EQ(entry_count(), 0u);
  how.expected_sha256 = "abc";
  EXPECT_EQ(reason(server, how), "sha256_invalid");
}

TEST_F(DownloadTest, EachStatusHasItsReasonAndLeavesNothing) {
  const std::vector<std::pair<int, std::string>> expected{
      {404, "url_not_found"},        {410, "url_not_found"},       {401, "url_forbidden"},
      {403, "url_forbidden"},        {400, "url_refused"},         {418, "url_refused"},
      {304, "url_refused"},          {204, "url_refused"},         {500, "download_interrupted"},
      {503, "download_interrupted"}, {429, "download_interrupted"}};
  for (const auto& [status, expected_reason] : expected) {
    const WebServer server([status = status](const std::string&, int) {
      return Answer{"HTTP/1.1 " + std::to_string(status) + " So", status == 204 ? "" : "words"};
    });
    EXPECT_EQ(reason(server), expected_reason) << status;
    const bool retried = expected_reason == "download_interrupted";
    EXPECT_EQ(server.requests().size(), retried ? 3u : 1u) << status;
    EXPECT_EQ(entry_count(), 0u) << status;
  }
}

TEST_F(DownloadTest, AServerThatRecoversIsAskedAgain) {
  const WebServer server([](const std::string&, int number) {
    return number < 2 ? Answer{"HTTP/1.1 503 Busy", ""} : whole("contents");
  });
  EXPECT_TRUE(fetch(server));
}

TEST_F(DownloadTest, TooManyBytesAreRefusedWhetherAnnouncedOrNot) {
  const std::string contents = some_contents(5000);
  auto how = options();
  how.limit_bytes = 4999;
  const WebServer announced([&](const std::string&, int) { return whole(contents); });
  const auto report = fetch(announced, how);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(report.error().reason, "download_too_large");
  EXPECT_EQ(report.error().message, "the file has 5000 bytes or more; the limit is 4999");
  const WebServer silent([&](const std::string&, int) {
    return Answer{"HTTP/1.1 200 OK", contents};
  });
  EXPECT_EQ(reason(silent, how), "download_too_large");
  EXPECT_EQ(entry_count(), 0u);
  how.limit_bytes = 5000;
  EXPECT_TRUE(fetch(announced, how));
}

TEST_F(DownloadTest, RedirectsAreFollowedUpToTheLimit) {
  const WebServer server([&](const std::string& request, int) {
    if (request.find("/hop3") != std::string::npos) return whole("there");
    const char next = static_cast<char>(
        request.find("/hop") == std::string::npos ? '1' : request[request.find("/hop") + 4] + 1);
    return Answer{std::string("HTTP/1.1 302 Found\r\nLocation: /hop") + next, ""};
  });
  auto how = options();
  how.redirect_limit = 2;
  EXPECT_EQ(reason(server, how), "url_refused");
  how.redirect_limit = 3;
  ASSERT_TRUE(fetch(server, how));
  EXPECT_EQ(downloaded(), "there");
}

TEST_F(DownloadTest, ARedirectLoopEnds) {
  const WebServer server([](const std::string&, int) {
    return Answer{"HTTP/1.1 301 Moved\r\nLocation: /again", ""};
  });
  EXPECT_EQ(reason(server), "url_refused");
  EXPECT_EQ(server.requests().size(), 6u);
}

TEST_F(DownloadTest, ARedirectToAnotherSchemeIsRefused) {
  for (const std::string target : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://a/"}) {
    const WebServer server([&target](const std::string&, int) {
      return Answer{"HTTP/1.1 302 Found\r\nLocation: " + target, ""};
    });
    EXPECT_EQ(reason(server), "url_refused") << target;
  }
}

TEST_F(DownloadTest, UrlsThatAreNoneAreRefusedWithoutConnecting) {
  for (const std::string url :
       {"", "pack.zip", "file:///etc/passwd", "ftp://example.org/x", "http://",
        "http://name:secret@127.0.0.1/x", "http://name@127.0.0.1/x", "http://a b/"}) {
    const auto report = download(url, destination(), options());
    ASSERT_FALSE(report) << url;
    EXPECT_EQ(report.error().reason, "url_invalid") << url;
    EXPECT_EQ(report.error().message.find("secret"), std::string::npos);
  }
  EXPECT_EQ(download("http://127.0.0.1/" + std::string(5000, 'x'), destination(), options())
                .error()
                .reason,
            "url_invalid");
  EXPECT_EQ(entry_count(), 0u);
}

// ---- the guard

TEST_F(DownloadTest, TheGuardRefusesTheInsideByWhateverNameItGoes) {
  const WebServer server([](const std::string&, int) { return whole("inside"); });
  auto guarded = options();
  guarded.allowed_addresses = AllowedAddresses::PublicOnly;
  const std::string port = server.url("").substr(server.url("").rfind(':'));
  for (const std::string host :
       {"127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "0.0.0.0"}) {
    const auto report = download("http://" + host + port + "/x", destination(), guarded);
    ASSERT_FALSE(report) << host;
    EXPECT_EQ(report.error().code, ErrorCode::Forbidden) << host;
    EXPECT_EQ(report.error().reason, "address_not_allowed") << host;
  }
  EXPECT_TRUE(server.requests().empty());
  EXPECT_EQ(entry_count(), 0u);
}

TEST_F(DownloadTest, TheGuardIgnoresTheProxyOfTheEnvironment) {
  const WebServer proxy([](const std::string&, int) { return whole("from a proxy"); });
  ASSERT_EQ(::setenv("http_proxy", proxy.url("").c_str(), 1), 0);
  auto guarded = options();
  guarded.allowed_addresses = AllowedAddresses::PublicOnly;
  const auto refused = download("http://10.1.2.3:9/x", destination(), guarded);
  const auto allowed = download("http://example.org/x", destination(), options());
  ASSERT_EQ(::unsetenv("http_proxy"), 0);
  EXPECT_EQ(refused.error().reason, "address_not_allowed");
  EXPECT_THAT(refused.error().message, HasSubstr("10.1.2.3"));
  EXPECT_TRUE(allowed);
  EXPECT_EQ(proxy.requests().size(), 1u);
}

// ---- connections

TEST_F(DownloadTest, NobodyListeningIsAnInterruptionAfterTheRetries) {
  std::string url;
  {
    const WebServer gone([](const std::string&, int) { return whole(""); });
    url = gone.url();
  }
  const auto report = download(url, destination(), options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "download_interrupted");
  EXPECT_THAT(report.error().message, HasSubstr("127.0.0.1: "));
  EXPECT_EQ(entry_count(), 0u);
}

TEST_F(DownloadTest, AServerThatFallsSilentIsLeftAfterTheStallTime) {
  std::atomic<bool> over{false};
  const WebServer server([&](const std::string&, int) {
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return whole("late");
  });
  auto how = options();
  how.stall_timeout_s = 1;
  how.retry_limit = 0;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(reason(server, how), "download_interrupted");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  over = true;
}

TEST_F(DownloadTest, ACancelledDownloadStopsSoonAndKeepsItsPart) {
  const std::string contents = some_contents(1000);
  std::atomic<bool> cancelled{false};
  auto how = options();
  how.cancelled = &cancelled;
  const WebServer server([&](const std::string&, int number) {
    if (number == 1) cancelled = true;
    return number == 0 ? broken(contents, 400) : Answer{"HTTP/1.1 503 Busy", ""};
  });
  how.retry_limit = 1000;
  const auto start = std::chrono::steady_clock::now();
  const auto report = fetch(server, how);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(report.error().reason, "download_cancelled");
  EXPECT_EQ(part_size(), 400u);
}

TEST_F(DownloadTest, ASecondDownloadIntoTheSamePlaceIsAConflict) {
  std::string inner_reason;
  const WebServer other([](const std::string&, int) { return whole("other"); });
  const WebServer server([&](const std::string&, int) {
    const auto inner = download(other.url(), destination(), options());
    inner_reason = inner ? "(downloaded)" : inner.error().reason;
    return whole("first");
  });
  ASSERT_TRUE(fetch(server));
  EXPECT_EQ(inner_reason, "download_in_progress");
  EXPECT_EQ(downloaded(), "first");
}

TEST_F(DownloadTest, AMissingFolderIsNamed) {
  const auto report = download("http://127.0.0.1/", folder() / "no" / "pack.zip", options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "folder_not_found");
}

}  // namespace
}  // namespace faceforge::net
