#include "http/transport.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/transport_test_support.h"

namespace faceforge::http {
namespace {

using std::chrono::milliseconds;
using test::Answer;
using test::RawClient;
using test::TransportTest;
using testing::HasSubstr;

TEST_F(TransportTest, AnswersARequest) {
  start();
  const Answer answer = ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "got:");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain");
  EXPECT_EQ(answer.header("X-Scheme"), "http");
  EXPECT_THAT(answer.header("Date"), testing::EndsWith(" GMT"));
}

TEST_F(TransportTest, AnswersManyRequestsOnOneConnectionAlsoWhenTheyComeAtOnce) {
  start();
  RawClient client = connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive()->body, "got:");
  EXPECT_EQ(client.receive()->body, "got:hi");
  EXPECT_EQ(client.receive()->body, "got:");
  client.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->header("Content-Length"), "");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive()->header("Connection"), "close");
  EXPECT_TRUE(client.closes_within(milliseconds(2'000)));
}

TEST_F(TransportTest, AnswersHeadAsGetWithoutTheBody) {
  start();
  RawClient client = connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.receive(Method::Head);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->header("Content-Length"), "4");
  EXPECT_EQ(client.receive()->body, "got:");
}

TEST_F(TransportTest, ReceivesBodiesOfAllKinds) {
  start();
  const std::string large(3'000'000, 'b');
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + large).body,
            "got:" + large);
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .body,
            "got:abcde");
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").body, "got:");
}

TEST_F(TransportTest, LeavesNothingOfABodyOnTheDisk) {
  start();
  const std::string large(3'000'000, 'b');
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + large).status,
            200);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "spool"));
}

TEST_F(TransportTest, RefusesABodyOverItsLimitWithoutReceivingIt) {
  start();
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n").status, 413);
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n500000\r\n");
  client.send(std::string(0x500000, 'c'));
  EXPECT_EQ(client.receive()->status, 413);
  EXPECT_EQ(application_.answered, 0);
}

TEST_F(TransportTest, RefusesBodiesBeyondTheBudgetOfTheDisk) {
  start({.spool_bytes = 2'000'000});
  const std::string large(3'000'000, 'b');
  const Answer answer =
      ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + large);
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("upload_space_taken"));
  const std::string smaller(1'500'000, 'b');
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\n" + smaller).status,
            200);
}

TEST_F(TransportTest, ABodyThatEndsHalfWayIsAnErrorAndNeverReachesTheApplication) {
  start();
  for (const std::string_view half :
       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    RawClient client = connect();
    client.send(half);
    client.end_sending();
    const auto answer = client.receive();
    ASSERT_TRUE(answer) << half;
    EXPECT_EQ(answer->status, 400);
    EXPECT_THAT(answer->body, HasSubstr("body_incomplete"));
    EXPECT_TRUE(client.closes_within(std::chrono::seconds(6)));
  }
  EXPECT_EQ(application_.answered, 0);
}

TEST_F(TransportTest, RefusesBeforeTheBodyIsReceived) {
  start();
  EXPECT_EQ(ask("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").status, 401);
}

TEST_F(TransportTest, ContinuesOnlyWhatItAdmits) {
  start();
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive()->status, 100);
  client.send("ok");
  EXPECT_EQ(client.receive()->body, "got:ok");

  RawClient refused = connect();
  refused.send(
      "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.receive()->status, 401);
  RawClient too_large = connect();
  too_large.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(too_large.receive()->status, 413);
}

TEST_F(TransportTest, RefusesWhatIsNotHttp) {
  start();
  EXPECT_EQ(ask("nonsense\r\n\r\n").status, 400);
  EXPECT_EQ(
      ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
          .status,
      400);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n").status, 400);
  const Answer bad_chunk =
      ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_EQ(bad_chunk.status, 400);
  EXPECT_THAT(bad_chunk.body, HasSubstr("request_malformed"));
}

TEST_F(TransportTest, RefusesABodyThatOthersOnTheWayMightFrameAnotherWay) {
  start();
  // Behind each stands a second request that a server that skips the body would answer.
  const std::string hidden = "GET /at-once HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string& fields :
       {std::string("Transfer-Encoding: identity\r\n"),
        std::string("Transfer-Encoding: xchunked\r\n"),
        std::string("Transfer-Encoding: gzip, chunked\r\n"),
        std::string("Transfer-Encoding: chunked, chunked\r\n"),
        std::string("Transfer-Encoding:\r\n"),
        std::string("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")}) {
    RawClient client = connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + hidden);
    const auto answer = client.receive();
    ASSERT_TRUE(answer) << fields;
    EXPECT_EQ(answer->status, 501) << fields;
    EXPECT_THAT(answer->body, HasSubstr("transfer_encoding_unsupported"));
    EXPECT_EQ(answer->header("Connection"), "close");
    client.end_sending();
    EXPECT_EQ(client.receive_all(), "") << "a second answer to: " << fields;
  }
  EXPECT_EQ(ask("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status,
            400);
  // Said twice it is malformed already.
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                .status,
            400);
  EXPECT_EQ(application_.answered, 0);
  const Answer chunked =
      ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.body, "got:hi");
}

TEST_F(TransportTest, StoppingFinishesWhatHasBegunAndClosesWhatIsIdle) {
  start();
  RawClient idle = connect();
  RawClient busy = connect();
  RawClient half_way = connect();
  busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  half_way.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  application_.gate.wait_for(1);
  idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(idle.receive());
  // Until its head is read, a request has not begun and its connection is idle.
  const auto all_begun = std::chrono::steady_clock::now() + milliseconds(20'000);
  while (application_.begun < 3 && std::chrono::steady_clock::now() < all_begun)
    std::this_thread::sleep_for(milliseconds(1));
  ASSERT_EQ(application_.begun, 3);
  const uint16_t port = transport_->port();
  std::jthread stopping([this] { transport_->stop(); });
  EXPECT_TRUE(idle.closes_within(milliseconds(5'000)));
  // The listening socket is closed by another thread than the idle connection.
  const auto end = std::chrono::steady_clock::now() + milliseconds(5'000);
  bool connected = true;
  while (connected && std::chrono::steady_clock::now() < end) {
    connected = RawClient(port).connected();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_FALSE(connected);
  half_way.send("cd");
  const auto completed = half_way.receive();
  application_.gate.open();  // before anything can end the test: what waits there would never end
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->body, "got:abcd");
  EXPECT_EQ(completed->header("Connection"), "close");
  const auto finished = busy.receive();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->status, 200);
}

TEST_F(TransportTest, StoppingGivesUpOnClientsThatDoNotFinish) {
  start({.drain = milliseconds(200)});
  RawClient half_way = connect();
  half_way.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  RawClient watching = connect();
  watching.send("GET /silence HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(watching.receive_until("\r\n\r\n"));
  const auto begin = std::chrono::steady_clock::now();
  transport_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5'000));
  EXPECT_TRUE(half_way.closes_within(milliseconds(1'000)));
}

TEST_F(TransportTest, StreamsEventsUntilTheyEnd) {
  start();
  RawClient client = connect();
  client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive()->body, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
}

TEST_F(TransportTest, ABugInAStepIsAnErrorOfThatRequestOnly) {
  start();
  const Answer answer = ask("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, testing::Not(HasSubstr("a bug")));
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}

TEST_F(TransportTest, BelievesAProxyOnlyWhenToldTo) {
  const std::string request =
      "GET /address HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1, 203.0.113.9\r\n"
      "X-Forwarded-Proto: https\r\n\r\n";
  start();
  EXPECT_EQ(ask(request).body, "127.0.0.1");
  EXPECT_EQ(ask(request).header("X-Scheme"), "http");
  start({}, Proxy::Trusted);
  EXPECT_EQ(ask(request).body, "203.0.113.9");
  EXPECT_EQ(ask(request).header("X-Scheme"), "https");
}

TEST_F(TransportTest, BelievesOnlyWhatTheProxyItselfAdded) {
  start({}, Proxy::Trusted);
  const auto asked = [&](std::string_view fields) {
    return ask(fmt::format("GET /address HTTP/1.1\r\nHost: a\r\n{}\r\n", fields));
  };
  // Some proxies append to the client's own field, others add a second one.
  EXPECT_EQ(asked("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n").body,
            "203.0.113.9");
  EXPECT_EQ(
      asked("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 1.2.3.4, ::ffff:203.0.113.9\r\n").body,
      "203.0.113.9");
  EXPECT_EQ(asked("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: unknown\r\n").body, "127.0.0.1");
  EXPECT_EQ(asked("X-Forwarded-For: 10.0.0.1,\r\n").body, "127.0.0.1");
  EXPECT_EQ(asked("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n").header("X-Scheme"),
            "http");
  EXPECT_EQ(asked("X-Forwarded-Proto: http, https\r\n").header("X-Scheme"), "https");
  EXPECT_EQ(asked("X-Forwarded-Proto: gopher\r\n").header("X-Scheme"), "http");
}

TEST_F(TransportTest, SaysWhyItCannotListen) {
  start();
  const auto code_of = [&](const TransportOptions& options) {
    auto started = Transport::start(options, application_);
    return started ? "started" : started.error().reason;
  };
  const auto spool = folder_.path() / "spool";
  EXPECT_EQ(code_of({.port = transport_->port(), .spool_folder = spool}), "port_in_use");
  EXPECT_EQ(code_of({.address = "localhost", .port = 0, .spool_folder = spool}), "listen_address");
  EXPECT_EQ(code_of({.address = "203.0.113.7", .port = 0, .spool_folder = spool}),
            "listen_address");
  EXPECT_EQ(code_of({.port = 0,
                     .tls = TlsFiles{folder_.path() / "none.pem", folder_.path() / "none.key"},
                     .spool_folder = spool}),
            "tls_files");
}

}  // namespace
}  // namespace faceforge::http
