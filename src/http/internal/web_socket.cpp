// The one file that includes Beast's WebSocket.

#include "http/internal/web_socket.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "base/log.h"
#include "http/internal/lane_step.h"

namespace faceforge::http::internal {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::awaitable;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// How often the socket looks whether it must end.
constexpr std::chrono::milliseconds kTick{200};
/// For a client to take the last answer, and then to agree to the end.
constexpr std::chrono::seconds kLastWrite{1};
constexpr std::chrono::seconds kHandshake{2};
/// So that a client who reads slowly gets results of now, not of a minute ago: what the system
/// holds for it is a few dozen results.
constexpr int kSendBuffer_bytes = 16'384;
/// Messages may come this much of a second's allowance at once, after a pause of the network.
constexpr double kBurst_s = 2;

/// Lets through so many a second on average.
class RateLimit {
 public:
  explicit RateLimit(size_t per_second)
      : per_second_(static_cast<double>(per_second)), left_(kBurst_s * per_second_) {}

  [[nodiscard]] bool take() {
    const auto now = Clock::now();
    const double passed_s = std::chrono::duration<double>(now - std::exchange(last_, now)).count();
    left_ = std::min(kBurst_s * per_second_, left_ + passed_s * per_second_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  const double per_second_;
  double left_;
  Clock::time_point last_ = Clock::now();
};

/// A WebSocket being served: one coroutine receives, one has messages answered, one looks whether
/// it must end. All run where the connection lives, so nothing here is locked.
template <typename Stream>
class Socket {
 public:
  Socket(Stream& stream, SocketSession& session, Exchange& exchange, Shared& shared)
      : socket_(stream),
        session_(session),
        exchange_(exchange),
        shared_(shared),
        rate_(shared.options.limits.socket_messages_per_second),
        message_came_(stream.get_executor()),
        tick_(stream.get_executor()),
        part_ended_(stream.get_executor()) {}

  awaitable<void> serve(const UpgradeRequest& request);

 private:
  struct Message {
    beast::flat_buffer bytes{};
    Clock::time_point received{};
  };

  [[nodiscard]] const TransportLimits& limits() const { return shared_.options.limits; }

  void start(awaitable<void> part);
  awaitable<void> receive();
  void take(Message message);
  awaitable<void> answer();
  awaitable<std::optional<SocketReply>> answer_of(const Message& message);
  awaitable<void> refresh();
  awaitable<std::optional<Response>> use_session(Step step);
  awaitable<void> supervise();
  awaitable<void> ask_again();
  awaitable<bool> write(const std::string& text);
  void end(websocket::close_code code, std::string_view reason);
  void end(const SocketEnd& why);
  void lose();
  void wake();
  awaitable<void> close();

  websocket::stream<Stream&> socket_;
  SocketSession& session_;
  Exchange& exchange_;
  Shared& shared_;
  RateLimit rate_;
  std::optional<Message> newest_;
  int64_t received_count_ = 0;
  int64_t dropped_count_ = 0;
  asio::steady_timer message_came_;
  asio::steady_timer tick_;
  asio::steady_timer part_ended_;
  int parts_running_ = 0;
  Clock::time_point last_received_ = Clock::now();
  Clock::time_point last_admitted_ = Clock::now();
  Clock::time_point last_looked_ = Clock::now();  ///< at a message, or at the session itself
  bool in_use_ = false;                           ///< the session is asked something
  std::optional<Clock::time_point> writes_since_;
  bool lost_ = false;                             ///< nobody is there any more
  std::optional<websocket::close_reason> ended_;  ///< why, as the client is told
  std::stop_source over_;                         ///< asked to stop with both
};

template <typename Stream>
awaitable<void> Socket<Stream>::serve(const UpgradeRequest& request) {
  auto& lowest = beast::get_lowest_layer(socket_);
  lowest.expires_never();  // the WebSocket has its own
  boost::system::error_code ignored;
  lowest.socket().set_option(asio::socket_base::send_buffer_size(kSendBuffer_bytes), ignored);
  socket_.set_option(websocket::stream_base::timeout{.handshake_timeout = kHandshake,
                                                     .idle_timeout = limits().socket_silent,
                                                     .keep_alive_pings = true});
  socket_.read_message_max(limits().socket_message_bytes);
  socket_.auto_fragment(false);
  const auto [error] = co_await socket_.async_accept(request, kAwait);
  if (error) co_return;
  const std::string greeting = session_.greeting();
  const bool greeted = co_await write(greeting);
  if (!greeted) co_return;
  try {
    start(receive());
    start(answer());
    start(supervise());
  } catch (const std::exception&) {
    log::error("a socket could not begin");
    lose();
  }
  // They refer to this object, so that however one of them ends the others are waited for.
  while (parts_running_ > 0) {
    part_ended_.expires_at(Clock::time_point::max());
    co_await part_ended_.async_wait(kAwait);
  }
  log::info("a socket ended ({}): {} messages, {} dropped",
            ended_ ? std::string_view(ended_->reason.data(), ended_->reason.size()) : "lost",
            received_count_, dropped_count_);
}

template <typename Stream>
void Socket<Stream>::start(awaitable<void> part) {
  const auto ended = [this](const std::exception_ptr& bug) {
    if (bug) {
      log::error("a socket ended by an exception");
      lose();
    }
    --parts_running_;
    part_ended_.cancel();
  };
  ++parts_running_;
  try {
    asio::co_spawn(socket_.get_executor(), std::move(part), ended);
  } catch (...) {
    --parts_running_;  // it never ran
    throw;
  }
}

/// Reads on, whatever is being answered: a message that waited in the system's buffers would be
/// late and not known to be.
template <typename Stream>
awaitable<void> Socket<Stream>::receive() {
  while (!ended_ && !lost_) {
    Message message;
    const auto [error, count] = co_await socket_.async_read(message.bytes, kAwait);
    if (error) {
      lose();
    } else {
      take(std::move(message));
    }
  }
}

template <typename Stream>
void Socket<Stream>::take(Message message) {
  message.received = Clock::now();
  last_received_ = message.received;
  ++received_count_;
  if (!socket_.got_binary()) return end(websocket::close_code::unknown_data, "text_not_expected");
  if (!rate_.take()) return end(websocket::close_code::policy_error, "messages_too_fast");
  if (newest_) ++dropped_count_;
  newest_ = std::move(message);
  message_came_.cancel();
}

template <typename Stream>
awaitable<void> Socket<Stream>::answer() {
  while (!ended_ && !lost_) {
    if (!newest_ || in_use_) {
      message_came_.expires_at(Clock::time_point::max());
      co_await message_came_.async_wait(kAwait);
      continue;
    }
    const Message message = *std::exchange(newest_, {});
    const auto reply = co_await answer_of(message);
    if (ended_ || lost_) co_return;
    if (!reply) {
      end(websocket::close_code::internal_error, "answer_failed");
      co_return;
    }
    const bool taken = co_await write(reply->text);
    if (!taken) lose();
    if (taken && reply->end) end(*reply->end);
  }
}

/// out: nothing when the lane takes nothing more, or the session threw
template <typename Stream>
awaitable<std::optional<SocketReply>> Socket<Stream>::answer_of(const Message& message) {
  const auto bytes = message.bytes.cdata();
  const SocketMessage seen{.bytes = {static_cast<const std::byte*>(bytes.data()), bytes.size()},
                           .received = message.received,
                           .received_count = received_count_,
                           .dropped_count = dropped_count_};
  SocketReply reply;
  Step step = [&]() -> std::optional<Response> {
    reply = session_.answer(seen, over_.get_token());
    return std::nullopt;
  };
  const auto failure = co_await use_session(std::move(step));
  if (failure) co_return std::nullopt;
  co_return reply;
}

/// A client that sends nothing must not keep alive what was deleted meanwhile.
template <typename Stream>
awaitable<void> Socket<Stream>::refresh() {
  std::optional<SocketEnd> why;
  Step step = [&]() -> std::optional<Response> {
    why = session_.refresh();
    return std::nullopt;
  };
  const auto failure = co_await use_session(std::move(step));
  message_came_.cancel();
  if (failure) end(websocket::close_code::internal_error, "answer_failed");
  if (why) end(*why);
}

/// Asks the session something on the sockets' threads, as nobody else does meanwhile.
template <typename Stream>
awaitable<std::optional<Response>> Socket<Stream>::use_session(Step step) {
  in_use_ = true;
  auto failure = co_await run_on(shared_.sockets_lane, std::move(step), over_.get_token());
  in_use_ = false;
  last_looked_ = Clock::now();
  co_return failure;
}

template <typename Stream>
awaitable<void> Socket<Stream>::supervise() {
  while (!ended_ && !lost_) {
    tick_.expires_after(kTick);
    co_await tick_.async_wait(kAwait);
    const auto now = Clock::now();
    if (shared_.stopping) {
      end(websocket::close_code::going_away, "server_stopping");
    } else if (now - last_received_ > limits().socket_idle) {
      end(websocket::close_code::normal, "idle");
    } else if (writes_since_ && now - *writes_since_ > limits().stalled) {
      end(websocket::close_code::policy_error, "results_not_taken");
    } else if (now - last_admitted_ > limits().socket_check) {
      co_await ask_again();
      const bool is_due = Clock::now() - last_looked_ > limits().socket_check;
      if (is_due && !in_use_ && !ended_ && !lost_) co_await refresh();
    }
  }
  co_await close();
}

/// A socket must not outlive its session. What is no fault of the client's (a full lane, a database
/// that does not answer) says nothing about it, and is asked again.
template <typename Stream>
awaitable<void> Socket<Stream>::ask_again() {
  last_admitted_ = Clock::now();
  Step admit = [this] { return exchange_.admit(); };
  const auto refusal = co_await run_on(shared_.quick, std::move(admit));
  if (!refusal || refusal->status >= 500) co_return;
  end(websocket::close_code::policy_error,
      refusal->status == 401 ? "session_ended" : "not_permitted");
}

template <typename Stream>
awaitable<bool> Socket<Stream>::write(const std::string& text) {
  writes_since_ = Clock::now();
  socket_.text(true);
  const auto [error, count] =
      co_await socket_.async_write(asio::buffer(text.data(), text.size()), kAwait);
  writes_since_.reset();
  tick_.cancel();
  co_return !error;
}

template <typename Stream>
void Socket<Stream>::end(websocket::close_code code, std::string_view reason) {
  if (!ended_) {
    ended_ = websocket::close_reason(code, beast::string_view(reason.data(), reason.size()));
  }
  wake();
}

template <typename Stream>
void Socket<Stream>::end(const SocketEnd& why) {
  end(why.cause == SocketEnd::Cause::Failed ? websocket::close_code::internal_error
                                            : websocket::close_code::policy_error,
      why.reason);
}

template <typename Stream>
void Socket<Stream>::lose() {
  lost_ = true;
  beast::get_lowest_layer(socket_).close();
  wake();
}

/// Has every part see that the socket is over.
template <typename Stream>
void Socket<Stream>::wake() {
  message_came_.cancel();
  tick_.cancel();
  over_.request_stop();
}

/// Tells the client why, if it is there and takes what it is sent.
template <typename Stream>
awaitable<void> Socket<Stream>::close() {
  const auto patience_ends = Clock::now() + kLastWrite;
  while (writes_since_ && !lost_ && Clock::now() < patience_ends) {
    tick_.expires_at(patience_ends);
    co_await tick_.async_wait(kAwait);
  }
  if (!lost_ && !writes_since_) co_await socket_.async_close(*ended_, kAwait);
  beast::get_lowest_layer(socket_).close();
}

}  // namespace

bool asks_for_web_socket(const UpgradeRequest& request) {
  return websocket::is_upgrade(request);
}

template <typename Stream>
awaitable<void> serve_web_socket(Stream& stream, const UpgradeRequest& request,
                                 SocketSession& session, Exchange& exchange, Shared& shared) {
  Socket<Stream> socket(stream, session, exchange, shared);
  co_await socket.serve(request);
}

template awaitable<void> serve_web_socket(beast::tcp_stream&, const UpgradeRequest&, SocketSession&,
                                          Exchange&, Shared&);
template awaitable<void> serve_web_socket(beast::ssl_stream<beast::tcp_stream>&,
                                          const UpgradeRequest&, SocketSession&, Exchange&,
                                          Shared&);

}  // namespace faceforge::http::internal
