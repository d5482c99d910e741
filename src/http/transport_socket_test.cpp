#include <thread>

#include <gmock/gmock.h>

#include "http/socket_client_test_support.h"
#include "http/transport_test_support.h"

namespace faceforge::http::test {
namespace {

using testing::HasSubstr;
using testing::Le;
using namespace std::chrono_literals;

class TransportSocketTest : public TransportTest {
 protected:
  /// A socket that is open, its greeting read.
  SocketClient opened(std::string_view fields = "") {
    SocketClient client(transport_->port());
    EXPECT_EQ(client.open("/socket", fields).status, 101);
    EXPECT_EQ(client.receive_text(), "hello");
    return client;
  }
};

TEST_F(TransportSocketTest, AnswersMessagesOnceUpgraded) {
  start();
  SocketClient client(transport_->port());
  const Answer answer = client.open("/socket");
  EXPECT_EQ(answer.status, 101);
  // The example of RFC 6455, section 1.3.
  EXPECT_EQ(answer.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(client.receive_text(), "hello");
  client.send("one");
  EXPECT_EQ(client.receive_text(), "one 1 0");
  client.send("two");
  EXPECT_EQ(client.receive_text(), "two 2 0");
}

TEST_F(TransportSocketTest, APlainRequestIsToldToUpgrade) {
  start();
  const Answer answer = ask("GET /socket HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 426);
  EXPECT_EQ(answer.header("Upgrade"), "websocket");
  EXPECT_THAT(answer.body, HasSubstr("upgrade_required"));
}

TEST_F(TransportSocketTest, ARefusedRequestIsAnsweredAsAnyOther) {
  start();
  application_.all_logged_out = true;
  SocketClient client(transport_->port());
  EXPECT_EQ(client.open("/socket").status, 401);
}

TEST_F(TransportSocketTest, NothingMayFollowARequestBeforeItIsAnswered) {
  start();
  SocketClient client(transport_->port());
  EXPECT_EQ(client.open("/socket", "X-Late: 1\r\n\r\nmore").status, 426);
}

TEST_F(TransportSocketTest, OfTheMessagesThatComeMeanwhileTheNewestStays) {
  start();
  SocketClient client = opened();
  client.send("wait");
  application_.gate.wait_for(1);
  for (const char* text : {"a", "b", "c", "d", "e"}) client.send(text);
  // Until the server has read them all: it answers a ping in its turn.
  client.send(SocketClient::Opcode::Ping, "");
  ASSERT_EQ(client.receive()->opcode, SocketClient::Opcode::Pong);
  application_.gate.open();
  EXPECT_EQ(client.receive_text(), "wait 1 0");
  EXPECT_EQ(client.receive_text(), "e 6 4");
  client.send("f");
  EXPECT_EQ(client.receive_text(), "f 7 4");
  EXPECT_EQ(application_.answered, 4) << "with the request itself";
}

TEST_F(TransportSocketTest, WhoTakesNoAnswersIsGivenNoMoreAndSlowsNobodyElse) {
  start({.stalled = 1'000ms, .socket_messages_per_second = 1'000});
  SocketClient slow = opened();
  SocketClient quick = opened();
  const int before = application_.answered;
  for (int i = 0; i < 500; ++i) slow.send("large");
  std::this_thread::sleep_for(300ms);
  // What fits into the buffers of both sides, and one more; not 500.
  EXPECT_THAT(application_.answered - before, Le(20));
  quick.send("one");
  EXPECT_EQ(quick.receive_text(), "one 1 0");
  std::this_thread::sleep_for(2'500ms);
  quick.send("two");
  EXPECT_EQ(quick.receive_text(), "two 2 0");
  // The slow one was cut off, and its place is free again.
  EXPECT_EQ(slow.receive_close().close_code, 0);
}

TEST_F(TransportSocketTest, AMessageOverTheLimitClosesWith1009) {
  start({.socket_message_bytes = 1'000});
  SocketClient client = opened();
  client.send(std::string(1'000, 'x'));
  EXPECT_THAT(client.receive_text(), HasSubstr("xxx"));
  client.send(std::string(1'001, 'x'));
  EXPECT_EQ(client.receive_close().close_code, 1009);
}

TEST_F(TransportSocketTest, ATextClosesWith1003) {
  start();
  SocketClient client = opened();
  client.send(SocketClient::Opcode::Text, "{}");
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1003);
  EXPECT_EQ(close.reason, "text_not_expected");
}

TEST_F(TransportSocketTest, TooManyMessagesASecondCloseWith1008) {
  start({.socket_messages_per_second = 5});
  SocketClient client = opened();
  for (int i = 0; i < 10; ++i) client.send("x");
  client.send(SocketClient::Opcode::Ping, "");
  SocketClient::Frame frame;
  while (frame.opcode != SocketClient::Opcode::Pong) frame = client.receive().value();
  for (int i = 0; i < 40; ++i) client.send("x");
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "messages_too_fast");
}

TEST_F(TransportSocketTest, ASocketEndsWithItsSession) {
  start({.socket_check = 100ms});
  SocketClient client = opened();
  client.send("one");
  EXPECT_EQ(client.receive_text(), "one 1 0");
  application_.all_logged_out = true;
  const auto begin = std::chrono::steady_clock::now();
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "session_ended");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1'500ms);
}

TEST_F(TransportSocketTest, TheServersStopClosesWith1001) {
  start();
  SocketClient client = opened();
  std::jthread stopping([this] { transport_->stop(); });
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1001);
  EXPECT_EQ(close.reason, "server_stopping");
}

TEST_F(TransportSocketTest, TheServerStopsThoughAMessageIsBeingAnswered) {
  start();
  SocketClient client = opened();
  client.send("wait");
  application_.gate.wait_for(1);
  std::jthread stopping([this] { transport_->stop(); });
  EXPECT_EQ(client.receive_close().close_code, 1001);
  application_.gate.open();
}

TEST_F(TransportSocketTest, MoreThanItsShareOfSocketsNobodyGets) {
  start({.sockets = 3, .sockets_each = 2});
  SocketClient first = opened("X-User: ada\r\n");
  {
    SocketClient second = opened("X-User: ada\r\n");
    SocketClient third(transport_->port());
    EXPECT_EQ(third.open("/socket", "X-User: ada\r\n").status, 503);
    SocketClient bobs = opened("X-User: bob\r\n");
    SocketClient carols(transport_->port());
    EXPECT_EQ(carols.open("/socket", "X-User: carol\r\n").status, 503);
  }
  // The places of those that are gone are free again, a moment later.
  int status = 503;
  for (int attempt = 0; attempt < 100 && status != 101; ++attempt) {
    std::this_thread::sleep_for(20ms);
    SocketClient again(transport_->port());
    status = again.open("/socket", "X-User: ada\r\n").status;
  }
  EXPECT_EQ(status, 101);
}

TEST_F(TransportSocketTest, WhoSendsNothingForLongIsIdle) {
  start({.socket_idle = 300ms});
  SocketClient client = opened();
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1000);
  EXPECT_EQ(close.reason, "idle");
}

TEST_F(TransportSocketTest, WhoDoesNotEvenAnswerAPingIsGone) {
  start({.socket_silent = 400ms});
  SocketClient client = opened();
  EXPECT_EQ(client.receive()->opcode, SocketClient::Opcode::Ping);
  EXPECT_TRUE(client.connection().closes_within(2'000ms));
}

TEST_F(TransportSocketTest, ASessionMayEndTheSocket) {
  start();
  SocketClient client = opened();
  client.send("end");
  EXPECT_EQ(client.receive_text(), "bye");
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "asked_to");
}

TEST_F(TransportSocketTest, ASessionThatFailsClosesWith1011) {
  start();
  SocketClient client = opened();
  client.send("fail");
  EXPECT_EQ(client.receive_text(), "sorry");
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1011);
  EXPECT_EQ(close.reason, "broken");
}

TEST_F(TransportSocketTest, ASessionWithoutMessagesIsRefreshedAndMayEndTheSocket) {
  start({.socket_check = 100ms});
  SocketClient client = opened();
  while (application_.refreshed < 3) std::this_thread::sleep_for(10ms);
  client.send("one");
  EXPECT_EQ(client.receive_text(), "one 1 0");
  application_.all_sessions_over = true;
  const auto close = client.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "nothing_left");
}

TEST_F(TransportSocketTest, AMessageWhoseClientHasGoneIsAbandoned) {
  start();
  {
    SocketClient client = opened();
    client.send("endless");
    while (application_.answered < 2) std::this_thread::sleep_for(10ms);
  }
  const auto begin = std::chrono::steady_clock::now();
  while (application_.abandoned_count == 0 && std::chrono::steady_clock::now() - begin < 5s) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(application_.abandoned_count, 1);
}

TEST_F(TransportSocketTest, WhatASocketBeginsWithKeepsNoSmallQuestionWaiting) {
  start({.quick_threads = 1});
  SocketClient client(transport_->port());
  std::jthread opening([&] { EXPECT_EQ(client.open("/socket/slow").status, 101); });
  application_.gate.wait_for(1);
  EXPECT_EQ(ask("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  application_.gate.open();
}

TEST_F(TransportSocketTest, AnExceptionClosesWith1011) {
  start();
  SocketClient client = opened();
  client.send("throw");
  EXPECT_EQ(client.receive_close().close_code, 1011);
}

TEST_F(TransportSocketTest, AClientThatClosesIsAnsweredAndLeavesNothing) {
  start({.sockets = 1});
  {
    SocketClient client = opened();
    client.send(SocketClient::Opcode::Close, std::string("\x03\xe8", 2));
    EXPECT_EQ(client.receive_close().close_code, 1000);
  }
  int status = 503;
  for (int attempt = 0; attempt < 100 && status != 101; ++attempt) {
    std::this_thread::sleep_for(20ms);
    SocketClient again(transport_->port());
    status = again.open("/socket").status;
  }
  EXPECT_EQ(status, 101);
}

TEST_F(TransportSocketTest, AClientThatBreaksTheProtocolIsClosed) {
  start();
  SocketClient client = opened();
  client.connection().send(std::string(14, '\xff'));  // a whole head of a frame
  EXPECT_EQ(client.receive_close().close_code, 1002);
}

}  // namespace
}  // namespace faceforge::http::test
