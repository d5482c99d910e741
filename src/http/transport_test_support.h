#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/client_test_support.h"
#include "http/error_response.h"
#include "http/socket_session.h"
#include "http/transport.h"
#include "support/test_data.h"

namespace faceforge::http::test {

/// A door that tests open when they want a step to go on.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void wait_for(int waiting) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= waiting; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class ThreeEvents final : public EventSource {
 public:
  bool ready() const override { return true; }
  EventBatch next() override {
    ++count_;
    return {.text = fmt::format("data: {}\n\n", count_),
            .sequel = count_ == 3 ? EventBatch::Sequel::End : EventBatch::Sequel::MoreMayFollow};
  }

 private:
  int count_ = 0;
};

class SilentEvents final : public EventSource {
 public:
  bool ready() const override { return false; }
  EventBatch next() override { return {}; }
};

class FakeApplication;

/// Answers a message by what it says.
class FakeSession final : public SocketSession {
 public:
  explicit FakeSession(FakeApplication& application) : application_(application) {}
  std::string greeting() override { return "hello"; }
  SocketReply answer(const SocketMessage& message, std::stop_token abandoned) override;
  std::optional<SocketEnd> refresh() override;

 private:
  FakeApplication& application_;
};

/// Answers by path: what a transport must carry, without any route of the product.
class FakeApplication final : public Application {
 public:
  std::unique_ptr<Exchange> begin(RequestHead head) override;
  void finish(Response& response, Scheme scheme) const override {
    response.headers.add("X-Scheme", scheme == Scheme::Https ? "https" : "http");
  }

  /// For work that ends only when nobody waits for it.
  void wait_until_abandoned(const std::stop_token& abandoned) {
    std::mutex mutex;
    std::condition_variable_any gone;
    std::unique_lock lock(mutex);
    gone.wait_for(lock, abandoned, std::chrono::seconds(20), [] { return false; });
    abandoned_count += abandoned.stop_requested() ? 1 : 0;
  }

  Gate gate;
  std::atomic<int> begun = 0;  ///< requests whose head has arrived
  std::atomic<int> answered = 0;
  std::atomic<int> abandoned_count = 0;
  std::atomic<bool> all_logged_out = false;
  std::atomic<int> refreshed = 0;               ///< sessions that were told to
  std::atomic<bool> all_sessions_over = false;  ///< as their next refresh says
};

class FakeExchange final : public Exchange {
 public:
  FakeExchange(RequestHead head, FakeApplication& application)
      : head_(std::move(head)), application_(application) {}

  Lane lane() const override {
    if (head_.target == "/at-once") return Lane::AtOnce;
    if (head_.target == "/password") return Lane::Passwords;
    if (head_.target.starts_with("/socket")) return Lane::Sockets;
    return head_.target.starts_with("/photo") ? Lane::Photos : Lane::Quick;
  }
  size_t body_limit_bytes() const override { return size_t{4} << 20; }
  std::string_view route_name() const override { return "/fake"; }
  std::optional<Response> admit() override {
    if (head_.target != "/refused" && !application_.all_logged_out) return std::nullopt;
    return error_response({ErrorCode::Unauthenticated, "no_session", "log in"});
  }
  std::string asker() const override {
    return std::string(head_.headers.find("X-User").value_or(""));
  }
  Response answer(Body body, std::stop_token abandoned) override {
    ++application_.answered;
    if (head_.target == "/photo/endless") application_.wait_until_abandoned(abandoned);
    if (head_.target == "/wait" || head_.target == "/password" || head_.target == "/photo" ||
        head_.target == "/socket/slow") {
      application_.gate.pass();
    }
    if (head_.target.starts_with("/socket")) {
      return {.status = 101, .body = std::make_shared<FakeSession>(application_)};
    }
    if (head_.target == "/throw") throw std::runtime_error("a bug");
    if (head_.target == "/events") return {.body = std::make_shared<ThreeEvents>()};
    if (head_.target == "/silence") return {.body = std::make_shared<SilentEvents>()};
    if (head_.target == "/nothing") return no_content();
    if (head_.target == "/large") return {.body = std::string(8'000'000, 'x')};
    if (head_.target == "/address") return {.body = head_.client_address};
    const auto bytes = body.bytes();
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {.headers = {{"Content-Type", "text/plain"}}, .body = "got:" + text};
  }

 private:
  RequestHead head_;
  FakeApplication& application_;
};

inline std::unique_ptr<Exchange> FakeApplication::begin(RequestHead head) {
  ++begun;
  return std::make_unique<FakeExchange>(std::move(head), *this);
}

inline std::optional<SocketEnd> FakeSession::refresh() {
  ++application_.refreshed;
  if (!application_.all_sessions_over) return std::nullopt;
  return SocketEnd{.reason = "nothing_left"};
}

inline SocketReply FakeSession::answer(const SocketMessage& message, std::stop_token abandoned) {
  ++application_.answered;
  const std::string text(reinterpret_cast<const char*>(message.bytes.data()), message.bytes.size());
  if (text == "wait") application_.gate.pass();
  if (text == "throw") throw std::runtime_error("a bug");
  if (text == "endless") application_.wait_until_abandoned(abandoned);
  if (text == "end") return {.text = "bye", .end = SocketEnd{.reason = "asked_to"}};
  if (text == "fail") {
    return {.text = "sorry",
            .end = SocketEnd{.reason = "broken", .cause = SocketEnd::Cause::Failed}};
  }
  if (text == "large") return {.text = std::string(1'000'000, 'x')};
  return {.text = fmt::format("{} {} {}", text, message.received_count, message.dropped_count)};
}

class TransportTest : public testing::Test {
 protected:
  void start(const TransportLimits& limits = {}, Proxy proxy = Proxy::None) {
    auto started = Transport::start(
        {.port = 0, .proxy = proxy, .spool_folder = folder_.path() / "spool", .limits = limits},
        application_);
    ASSERT_TRUE(started) << started.error().message;
    transport_ = *std::move(started);
  }
  RawClient connect() { return RawClient(transport_->port()); }

  Answer ask(std::string_view text, Method method = Method::Get) {
    RawClient client = connect();
    client.send(text);
    return client.receive(method).value_or(Answer{});
  }

  faceforge::test::TemporaryFolder folder_;
  FakeApplication application_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace faceforge::http::test
