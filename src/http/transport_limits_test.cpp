// What clients may take, and what becomes of those who take more.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/transport.h"
#include "http/transport_test_support.h"

namespace faceforge::http {
namespace {

using std::chrono::milliseconds;
using test::Answer;
using test::RawClient;
using testing::HasSubstr;

class TransportLimitsTest : public test::TransportTest {};

TEST_F(TransportLimitsTest, ABodyThatStopsComingIsAnsweredWith408AndClosed) {
  start({.stalled = std::chrono::milliseconds(200)});
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_THAT(answer->body, HasSubstr("body_too_slow"));
  EXPECT_THAT(answer->body, HasSubstr("4 bytes"));
  client.end_sending();
  EXPECT_TRUE(client.closes_within(std::chrono::seconds(6)));
  EXPECT_EQ(application_.answered, 0);
}

TEST_F(TransportLimitsTest, ATimeForTheBodyDoesNotEndWhatComesAfterIt) {
  start({.stalled = std::chrono::milliseconds(200)});
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  client.send("lf");
  EXPECT_EQ(client.receive()->body, "got:half");
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "got:ok");
}

TEST_F(TransportLimitsTest, RefusesAHeaderOverItsLimit) {
  start({.header_bytes = 1'000});
  const Answer answer =
      ask("GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(2'000, 'h') + "\r\n\r\n");
  EXPECT_EQ(answer.status, 431);
  EXPECT_THAT(answer.body, HasSubstr("header_too_large"));
}

TEST_F(TransportLimitsTest, WhatBeganFastMayNotPauseForLongerThanWhatBeganSlowly) {
  start({.stalled = milliseconds(300), .min_bytes_per_second = 1'000});
  RawClient uploading = connect();
  uploading.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" +
                 std::string(2'000'000, 'b'));  // at the rate alone: good for 2000 s
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = uploading.receive();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(10'000));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);

  RawClient downloading = connect();
  downloading.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(1'500));
  EXPECT_LT(downloading.receive_all().size(), 8'000'000U);
}

TEST_F(TransportLimitsTest, ANewConnectionHasLessTimeThanOneThatHasAsked) {
  start({.idle = milliseconds(30'000), .header = milliseconds(200)});
  RawClient silent = connect();
  RawClient asking = connect();
  asking.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(asking.receive());
  EXPECT_TRUE(silent.closes_within(milliseconds(5'000)));
  EXPECT_FALSE(asking.readable_within(milliseconds(500)));
}

TEST_F(TransportLimitsTest, ClosesConnectionsOfClientsThatTakeTooLong) {
  start({.idle = milliseconds(200),
         .header = milliseconds(300),
         .stalled = milliseconds(300),
         .min_bytes_per_second = 1'000'000});
  RawClient idle = connect();
  EXPECT_TRUE(idle.closes_within(milliseconds(5'000)));

  RawClient slow_header = connect();
  const auto begin = std::chrono::steady_clock::now();
  while (slow_header.send("G") && std::chrono::steady_clock::now() - begin < milliseconds(5'000)) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(4'000));

  RawClient slow_body = connect();
  slow_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  const auto body_begin = std::chrono::steady_clock::now();
  while (slow_body.send("b") && !slow_body.readable_within(milliseconds(20)) &&
         std::chrono::steady_clock::now() - body_begin < milliseconds(5'000)) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - body_begin, milliseconds(4'000));
  EXPECT_EQ(slow_body.receive()->status, 408);
  EXPECT_EQ(application_.answered, 0);
}

TEST_F(TransportLimitsTest, ClosesConnectionsOfClientsThatDoNotRead) {
  start({.stalled = milliseconds(300), .min_bytes_per_second = 100'000'000});
  RawClient client = connect();
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(1'500));
  EXPECT_LT(client.receive_all().size(), 8'000'000U);
}

TEST_F(TransportLimitsTest, TheConnectionThatIsIdleForLongestMakesRoom) {
  start({.connections = 2});
  RawClient first = connect();
  RawClient second = connect();
  for (RawClient* client : {&second, &first}) {
    client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client->receive());
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_TRUE(second.closes_within(milliseconds(5'000)));
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(first.receive());
}

TEST_F(TransportLimitsTest, OneAddressDoesNotTakeEveryConnection) {
  start({.connections_per_address = 2});
  RawClient first = connect();
  RawClient second = connect();
  for (RawClient* client : {&first, &second}) {
    client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client->receive());
  }
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 503);
  start({.connections_per_address = 2}, Proxy::Trusted);
  std::vector<RawClient> through_the_proxy;
  for (int i = 0; i < 5; ++i) through_the_proxy.push_back(connect());
  for (RawClient& client : through_the_proxy) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.receive());
  }
}

TEST_F(TransportLimitsTest, TurnsClientsAwayWhenEveryConnectionIsAtWork) {
  start({.connections = 2});
  RawClient first = connect();
  RawClient second = connect();
  first.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  second.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  application_.gate.wait_for(2);
  const Answer third = ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(third.status, 503);
  EXPECT_NE(third.header("Retry-After"), "");
  EXPECT_THAT(third.body, HasSubstr("server_busy"));
  application_.gate.open();
  Answer again;
  for (int attempt = 0; attempt < 100 && again.status != 200; ++attempt) {
    std::this_thread::sleep_for(milliseconds(20));
    again = ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_EQ(again.status, 200);
}

TEST_F(TransportLimitsTest, AFullLaneIsBusyAndTheOthersGoOn) {
  start({.photo_threads = 1, .photo_queue = 1});
  const std::string request = "GET /photo HTTP/1.1\r\nHost: a\r\n\r\n";
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect());
  clients[0].send(request);
  application_.gate.wait_for(1);
  clients[1].send(request);  // one of these two waits in the queue, the other is refused
  clients[2].send(request);
  while (!clients[1].readable_within(milliseconds(10)) &&
         !clients[2].readable_within(milliseconds(10))) {
  }
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /at-once HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  application_.gate.open();
  std::vector<int> statuses;
  for (RawClient& client : clients) {
    const auto answer = client.receive();
    statuses.push_back(answer->status);
    if (answer->status != 503) continue;
    EXPECT_EQ(answer->header("Retry-After"), "1") << "nothing took long so far";
  }
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(200, 200, 503));
  EXPECT_EQ(ask(request).status, 200);
}

TEST_F(TransportLimitsTest, AClientThatHangsUpLeavesTheQueueOfPhotos) {
  start({.photo_threads = 1, .photo_queue = 1});
  const std::string request = "GET /photo HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient first = connect();
  first.send(request);
  application_.gate.wait_for(1);
  RawClient leaving = connect();
  leaving.send(request);
  while (ask(request).status != 503) {  // until the one above is in the queue
  }
  leaving.close();
  RawClient next = connect();
  const auto end = std::chrono::steady_clock::now() + milliseconds(5'000);
  while (std::chrono::steady_clock::now() < end) {
    next.send(request);
    if (!next.readable_within(milliseconds(200))) break;  // waits in the queue
    EXPECT_EQ(next.receive()->status, 503);
  }
  application_.gate.open();
  EXPECT_EQ(first.receive()->status, 200);
  EXPECT_EQ(next.receive()->status, 200);
  EXPECT_EQ(application_.answered, 2);
}

TEST_F(TransportLimitsTest, WhoAnswersIsToldThatTheClientHasGone) {
  start();
  RawClient client = connect();
  client.send("GET /photo/endless HTTP/1.1\r\nHost: a\r\n\r\n");
  while (application_.answered == 0) std::this_thread::sleep_for(milliseconds(1));
  client.close();
  const auto begin = std::chrono::steady_clock::now();
  while (application_.abandoned_count == 0 &&
         std::chrono::steady_clock::now() - begin < milliseconds(10'000)) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(application_.abandoned_count, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2'000));
}

TEST_F(TransportLimitsTest, APhotoThatHasWaitedTooLongIsNotLookedAt) {
  start({.photo_threads = 1, .photo_wait = milliseconds(100)});
  const std::string request = "GET /photo HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient first = connect();
  first.send(request);
  application_.gate.wait_for(1);
  RawClient late = connect();
  late.send(request);
  EXPECT_FALSE(late.readable_within(milliseconds(300)));
  application_.gate.open();
  EXPECT_EQ(first.receive()->status, 200);
  const auto answer = late.receive();
  EXPECT_EQ(answer->status, 503);
  EXPECT_NE(answer->header("Retry-After"), "");
  EXPECT_EQ(application_.answered, 1);
}

TEST_F(TransportLimitsTest, PasswordsAndPhotosKeepNoSmallQuestionWaiting) {
  start({.quick_threads = 1});
  std::vector<RawClient> clients;
  for (const std::string_view path : {"/password", "/password", "/password", "/photo", "/photo"}) {
    clients.push_back(connect());
    clients.back().send(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path));
  }
  application_.gate.wait_for(4);  // two threads each
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  application_.gate.open();
  for (RawClient& client : clients) EXPECT_EQ(client.receive()->status, 200);
}

TEST_F(TransportLimitsTest, OneUserDoesNotTakeTheWholeQueueOfPhotos) {
  start({.photo_threads = 1, .photo_requests_each = 2});
  const auto request = [](std::string_view user) {
    return fmt::format(
        "POST /photo HTTP/1.1\r\nHost: a\r\nX-User: {}\r\nContent-Length: 1\r\n\r\np", user);
  };
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(connect());
  clients[0].send(request("ada"));
  application_.gate.wait_for(1);
  clients[1].send(request("ada"));
  clients[2].send(request("ada"));
  while (!clients[1].readable_within(milliseconds(10)) &&
         !clients[2].readable_within(milliseconds(10))) {
  }
  clients[3].send(request("bob"));
  EXPECT_FALSE(clients[3].readable_within(milliseconds(200))) << "waits in the queue";
  application_.gate.open();
  EXPECT_EQ(clients[3].receive()->status, 200);
  const auto one = clients[1].receive();
  const auto other = clients[2].receive();
  EXPECT_EQ(one->status + other->status, 200 + 503);
  EXPECT_THAT(one->body + other->body, HasSubstr("share_taken"));
}

TEST_F(TransportLimitsTest, AnswersTwoHundredConnectionsAtOnce) {
  start({.connections_per_address = 300});
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(connect());
  for (RawClient& client : clients) {
    ASSERT_TRUE(client.connected());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
  }
  for (RawClient& client : clients) client.send("c");
  for (RawClient& client : clients) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "got:abc");
  }
}

TEST_F(TransportLimitsTest, KeepsQuietStreamsAliveAndBoundsTheirNumber) {
  start({.event_streams = 1, .event_heartbeat = milliseconds(100)});
  RawClient client = connect();
  client.send("GET /silence HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.receive_until(": alive\n\n"));
  EXPECT_EQ(ask("GET /silence HTTP/1.1\r\nHost: a\r\n\r\n").status, 503);
}

TEST_F(TransportLimitsTest, OneUserDoesNotTakeEveryStream) {
  start({.event_streams_each = 1});
  const auto watch = [](std::string_view user) {
    return fmt::format("GET /silence HTTP/1.1\r\nHost: a\r\nX-User: {}\r\n\r\n", user);
  };
  RawClient ada = connect();
  ada.send(watch("ada"));
  ASSERT_TRUE(ada.receive_until("\r\n\r\n"));
  EXPECT_EQ(ask(watch("ada")).status, 503);
  RawClient bob = connect();
  bob.send(watch("bob"));
  EXPECT_THAT(bob.receive_until("\r\n").value_or(""), HasSubstr("200"));
}

TEST_F(TransportLimitsTest, AStreamEndsWithTheSessionThatAskedForIt) {
  start({.event_heartbeat = milliseconds(100)});
  RawClient client = connect();
  client.send("GET /silence HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(client.receive_until(": alive\n\n"));
  ASSERT_TRUE(client.receive_until(": alive\n\n"));
  application_.all_logged_out = true;
  const auto begin = std::chrono::steady_clock::now();
  client.receive_all();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5'000));
}

}  // namespace
}  // namespace faceforge::http
