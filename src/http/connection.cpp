// Bytes to RequestHead and Body, Response to bytes. Beyond internal/beast_messages.cpp and
// internal/web_socket.cpp nobody knows Beast.

#include "http/internal/connection.h"

#include <algorithm>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "accounts/user.h"
#include "base/log.h"
#include "base/wipe.h"
#include "http/error_response.h"
#include "http/header_value.h"
#include "http/internal/beast_messages.h"
#include "http/internal/client_address.h"
#include "http/internal/lane_step.h"
#include "http/internal/refusals.h"
#include "http/internal/turn_away.h"
#include "http/internal/web_socket.h"

namespace faceforge::http::internal {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kChunk_bytes = 65'536;
constexpr std::chrono::seconds kLinger{5};
constexpr std::chrono::milliseconds kEventPoll{200};
constexpr std::chrono::milliseconds kClientPoll{200};

/// Completes with an error code (and more) instead of throwing.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

template <typename Stream>
class ConnectionOf final : public Connection,
                           public std::enable_shared_from_this<ConnectionOf<Stream>> {
 public:
  ConnectionOf(Stream stream, Shared& shared, std::optional<Share> place)
      : stream_(std::move(stream)),
        shared_(shared),
        place_(std::move(place)),
        body_timer_(stream_.get_executor()),
        client_timer_(stream_.get_executor()) {}

  void stop_when_idle() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->idle_) self->lowest().cancel();
    });
  }

  void abort() override {
    asio::post(stream_.get_executor(),
               [self = this->shared_from_this()] { self->lowest().close(); });
  }

  awaitable<void> serve();

 private:
  enum class Sequel { NextRequest, Close, Linger };
  using Parser = beast::http::request_parser<beast::http::buffer_body>;

  static constexpr bool kIsTls = !std::is_same_v<Stream, beast::tcp_stream>;

  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }
  [[nodiscard]] const TransportLimits& limits() const { return shared_.options.limits; }

  /// Until when a transfer that began at `begin` and moved `bytes` so far, the last of them at
  /// `moved`, may go on without more.
  [[nodiscard]] Clock::time_point deadline(Clock::time_point begin, Clock::time_point moved,
                                           size_t bytes) const {
    const std::chrono::milliseconds at_rate(bytes * 1'000 / limits().min_bytes_per_second);
    return std::min(begin + at_rate, moved) + limits().stalled;
  }

  awaitable<bool> first_byte();
  awaitable<Sequel> one_request();
  awaitable<std::optional<Response>> respond(Exchange& exchange, Parser& parser);
  awaitable<std::optional<Response>> respond_to_body(Exchange& exchange, Parser& parser);
  awaitable<std::optional<Response>> answer(Exchange& exchange, Body body);
  awaitable<std::optional<Response>> answer_photos(Exchange& exchange, Body body);
  awaitable<bool> receive(Parser& parser, size_t limit_bytes, BodyWriter& writer,
                          std::optional<Response>& refusal);
  void watch_body(Clock::time_point deadline);
  void watch_client(std::stop_source abandoned);
  awaitable<bool> send(Response& response, Method method, Scheme scheme, bool keep_alive);
  awaitable<void> send_events(EventSource& source, Exchange& exchange);
  awaitable<std::optional<Response>> become_socket(SocketSession& session, Exchange& exchange,
                                                   const Parser& parser);
  awaitable<bool> write_text(std::string_view text);
  awaitable<void> close(Sequel how);
  RequestHead head_of(const Parser& parser);
  WorkerLane& worker(Lane lane) {
    if (lane == Lane::Photos) return shared_.photos;
    if (lane == Lane::Sockets) return shared_.socket_openings;
    return lane == Lane::Passwords ? shared_.passwords : shared_.quick;
  }

  Stream stream_;
  Shared& shared_;
  const std::optional<Share> place_;  ///< among the connections of its address
  beast::basic_flat_buffer<WipingAllocator<char>> buffer_{kChunk_bytes};
  bool idle_ = false;
  bool has_asked_ = false;
  /// While a body is received: ends the read but not the connection, so that the client is told.
  asio::steady_timer body_timer_;
  bool body_late_ = false;
  /// While a photo is looked at: its next end is when the client is looked after.
  asio::steady_timer client_timer_;
  size_t sent_bytes_ = 0;  ///< of the present response
};

template <typename Stream>
awaitable<void> ConnectionOf<Stream>::serve() {
  if constexpr (kIsTls) {
    lowest().expires_after(limits().header);
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
    if (error) co_return;
  }
  Sequel sequel = Sequel::NextRequest;
  while (sequel == Sequel::NextRequest) {
    if (!co_await first_byte()) {
      sequel = Sequel::Close;
    } else {
      sequel = co_await one_request();
    }
  }
  co_await close(sequel);
}

/// Waits for the next request to begin: the only time when a connection may be closed unasked.
template <typename Stream>
awaitable<bool> ConnectionOf<Stream>::first_byte() {
  if (shared_.stopping) co_return false;
  if (buffer_.size() > 0) co_return true;
  lowest().expires_after(has_asked_ ? limits().idle : limits().header);
  shared_.connections.waits(this);
  idle_ = true;
  const auto [error, count] = co_await stream_.async_read_some(buffer_.prepare(4'096), kAwait);
  idle_ = false;
  buffer_.commit(count);
  has_asked_ = true;
  co_return shared_.connections.may_answer(this) && !error;
}

template <typename Stream>
RequestHead ConnectionOf<Stream>::head_of(const Parser& parser) {
  const auto& message = parser.get();
  RequestHead head{.method = method_from(std::string_view(message.method_string())),
                   .target = std::string(message.target()),
                   .headers = {},
                   .client_address = address_of(lowest().socket()),
                   .scheme = kIsTls ? Scheme::Https : Scheme::Http};
  for (const auto& field : message) {
    head.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  if (shared_.options.proxy == Proxy::Trusted) apply_proxy_fields(head);
  return head;
}

template <typename Stream>
auto ConnectionOf<Stream>::one_request() -> awaitable<Sequel> {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(limits().header_bytes));
  parser.body_limit(boost::none);  // the exchange's limit holds
  lowest().expires_after(limits().header);
  const auto [error, count] =
      co_await beast::http::async_read_header(stream_, buffer_, parser, kAwait);
  const auto begin = Clock::now();
  sent_bytes_ = 0;
  std::optional<Response> refusal;
  if (error) {
    refusal = response_to_malformed(error);
    if (!refusal) co_return Sequel::Close;
  }
  RequestHead head = head_of(parser);
  if (!refusal) refusal = refuse_framing(head.headers, parser.get().version());
  if (refusal) {
    log::info("- malformed {} 0 ms", refusal->status);
    co_await send(*refusal, Method::Get, head.scheme, false);
    co_return Sequel::Linger;
  }
  const Method method = head.method;
  const Scheme scheme = head.scheme;
  const std::unique_ptr<Exchange> exchange = shared_.application.begin(std::move(head));
  std::optional<Response> response = co_await respond(*exchange, parser);
  const bool received = parser.is_done();
  bool open = false;
  int status = 0;  // broken off by the client, or too slow
  if (const auto session = response ? session_of(*response) : nullptr) {
    status = response->status;
    response = co_await become_socket(*session, *exchange, parser);
  }
  if (response) {
    auto events = method == Method::Head ? nullptr : events_of(*response);
    const std::optional<Share> stream =
        events ? shared_.event_streams.hold(exchange->asker()) : std::nullopt;
    if (events && !stream) {
      events.reset();
      response = server_busy();
    }
    const bool keep_alive = received && !events && parser.keep_alive() &&
                            parser.get().version() == 11 && !shared_.stopping;
    open = co_await send(*response, method, scheme, keep_alive);
    status = response->status;
    if (open && events) co_await send_events(*events, *exchange);
    open = open && keep_alive;  // the end of a stream is the end of the connection
  }
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  log::info("{} {} {} {} ms {} bytes", to_string(method), exchange->route_name(), status,
            taken.count(), sent_bytes_);
  if (open) co_return Sequel::NextRequest;
  co_return received || !response ? Sequel::Close : Sequel::Linger;
}

/// out: nothing when the request broke off
template <typename Stream>
awaitable<std::optional<Response>> ConnectionOf<Stream>::respond(Exchange& exchange,
                                                                 Parser& parser) {
  Step both = [&exchange]() -> std::optional<Response> {
    std::optional<Response> refusal = exchange.admit();
    return refusal ? std::move(refusal) : exchange.answer(Body(), {});
  };
  if (exchange.lane() == Lane::AtOnce) co_return run_step(both);
  if (!parser.is_done()) co_return co_await respond_to_body(exchange, parser);
  if (exchange.lane() == Lane::Quick) co_return co_await run_on(shared_.quick, std::move(both));
  Step admit = [&exchange] { return exchange.admit(); };
  std::optional<Response> refusal = co_await run_on(shared_.quick, std::move(admit));
  if (refusal) co_return refusal;
  co_return co_await answer(exchange, Body());
}

template <typename Stream>
awaitable<std::optional<Response>> ConnectionOf<Stream>::answer(Exchange& exchange, Body body) {
  if (exchange.lane() == Lane::Photos) co_return co_await answer_photos(exchange, std::move(body));
  Step step = [&exchange, &body]() -> std::optional<Response> {
    return exchange.answer(std::move(body), {});
  };
  co_return co_await run_on(worker(exchange.lane()), std::move(step));
}

/// Photos take long enough for their clients to go meanwhile.
template <typename Stream>
awaitable<std::optional<Response>> ConnectionOf<Stream>::answer_photos(Exchange& exchange,
                                                                       Body body) {
  const std::optional<Share> share = shared_.photo_requests.hold(exchange.asker());
  if (!share) co_return share_taken(limits().photo_requests_each);
  std::stop_source abandoned;
  const auto latest_begin = Clock::now() + limits().photo_wait;
  Step step = [&]() -> std::optional<Response> {
    if (Clock::now() > latest_begin) return server_busy(shared_.photos.time_to_clear());
    return exchange.answer(std::move(body), abandoned.get_token());
  };
  watch_client(abandoned);
  std::stop_token token = abandoned.get_token();
  auto response = co_await run_on(shared_.photos, std::move(step), std::move(token));
  client_timer_.expires_at(Clock::time_point::max());
  if (abandoned.stop_requested()) co_return std::nullopt;
  co_return response;
}

/// Asks five times a second whether the client is there; to read from it would be to begin with its
/// next request.
template <typename Stream>
void ConnectionOf<Stream>::watch_client(std::stop_source abandoned) {
  client_timer_.expires_after(kClientPoll);
  client_timer_.async_wait(
      [self = this->shared_from_this(), abandoned](const error_code& cancelled) mutable {
        if (cancelled || Clock::now() < self->client_timer_.expiry()) return;
        if (has_hung_up(self->lowest().socket())) {
          abandoned.request_stop();
        } else {
          self->watch_client(std::move(abandoned));
        }
      });
}

template <typename Stream>
awaitable<std::optional<Response>> ConnectionOf<Stream>::respond_to_body(Exchange& exchange,
                                                                         Parser& parser) {
  Step admit = [&exchange] { return exchange.admit(); };
  std::optional<Response> refusal = co_await run_on(shared_.quick, std::move(admit));
  if (refusal) co_return refusal;
  BodyWriter writer(shared_.options.spool_folder, shared_.spool_bytes, exchange.asker());
  const bool whole = co_await receive(parser, exchange.body_limit_bytes(), writer, refusal);
  body_timer_.expires_at(Clock::time_point::max());
  if (!whole) co_return refusal;
  auto body = writer.finish();
  if (!body) co_return error_response(body.error());
  co_return co_await answer(exchange, *std::move(body));
}

/// out: whether all of the body is there; if not, `refusal` says why, or nothing: it broke off
template <typename Stream>
awaitable<bool> ConnectionOf<Stream>::receive(Parser& parser, size_t limit_bytes,
                                              BodyWriter& writer,
                                              std::optional<Response>& refusal) {
  const auto declared_bytes = parser.content_length();
  if (declared_bytes && *declared_bytes > limit_bytes) {
    refusal = body_too_large(limit_bytes);
    co_return false;
  }
  const auto begin = Clock::now();
  if (same_token(parser.get()[beast::http::field::expect], "100-continue")) {
    if (!co_await write_text("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
  }
  auto moved = begin;
  WipedVector<std::byte> chunk(kChunk_bytes);
  while (!parser.is_done()) {
    watch_body(deadline(begin, moved, writer.size_bytes()));
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    const auto [error, count] =
        co_await beast::http::async_read_some(stream_, buffer_, parser, kAwait);
    if (error && error != beast::http::error::need_buffer) {
      refusal = body_late_ ? body_too_slow(writer.size_bytes(), Clock::now() - begin)
                           : response_to_incomplete(error);
      co_return false;
    }
    const size_t received_bytes = chunk.size() - parser.get().body().size;
    if (writer.size_bytes() + received_bytes > limit_bytes) {
      refusal = body_too_large(limit_bytes);
      co_return false;
    }
    const auto appended = writer.append(std::span(chunk).first(received_bytes));
    if (!appended) {
      refusal = error_response(appended.error());
      co_return false;
    }
    if (received_bytes > 0) moved = Clock::now();
  }
  buffer_.shrink_to_fit();  // a connection that stays open keeps nothing of the body
  co_return true;
}

/// A tcp_stream's own expiry would close the connection.
template <typename Stream>
void ConnectionOf<Stream>::watch_body(Clock::time_point deadline) {
  lowest().expires_never();
  body_late_ = false;
  body_timer_.expires_at(deadline);
  body_timer_.async_wait([self = this->shared_from_this()](const error_code& cancelled) {
    // One that was already on its way when the deadline moved on is not late.
    if (cancelled || Clock::now() < self->body_timer_.expiry()) return;
    self->body_late_ = true;
    self->lowest().cancel();
  });
}

template <typename Stream>
awaitable<bool> ConnectionOf<Stream>::send(Response& response, Method method, Scheme scheme,
                                           bool keep_alive) {
  shared_.application.finish(response, scheme);
  ResponseMessage message = message_of(response, method, keep_alive);
  beast::http::response_serializer<beast::http::span_body<const char>> serializer(message);
  const auto begin = Clock::now();
  auto moved = begin;
  while (!serializer.is_done()) {
    lowest().expires_at(deadline(begin, moved, sent_bytes_));
    const auto [error, count] = co_await beast::http::async_write_some(stream_, serializer, kAwait);
    if (error) co_return false;
    sent_bytes_ += count;
    if (count > 0) moved = Clock::now();
  }
  co_return true;
}

/// Polls, because what a source tells comes from threads that know nothing of this loop; five looks
/// a second at a queue cost nothing.
template <typename Stream>
awaitable<void> ConnectionOf<Stream>::send_events(EventSource& source, Exchange& exchange) {
  const auto end = Clock::now() + limits().event_stream;
  auto last_sent = Clock::now();
  auto last_admitted = last_sent;
  asio::steady_timer pause(stream_.get_executor());
  while (Clock::now() < end && !shared_.stopping) {
    if (Clock::now() - last_admitted > limits().event_heartbeat) {
      // A stream must not outlive its session. What is no fault of the client's (a full lane, a
      // database that does not answer) says nothing about it, and is asked again.
      Step admit = [&exchange] { return exchange.admit(); };
      const auto refusal = co_await run_on(shared_.quick, std::move(admit));
      if (refusal && refusal->status < 500) co_return;
      last_admitted = Clock::now();
    }
    EventBatch batch;
    if (source.ready()) {
      Step next = [&source, &batch]() -> std::optional<Response> {
        batch = source.next();
        return std::nullopt;
      };
      // A full lane is asked again at the next look.
      static_cast<void>(co_await run_on(shared_.quick, std::move(next)));
    } else if (Clock::now() - last_sent > limits().event_heartbeat) {
      batch.text = ": alive\n\n";
    }
    if (!batch.text.empty()) {
      if (!co_await write_text(batch.text)) co_return;
      last_sent = Clock::now();
    }
    if (batch.sequel == EventBatch::Sequel::End) co_return;
    pause.expires_after(kEventPoll);
    co_await pause.async_wait(kAwait);
  }
}

/// out: why it became none; nothing when it was one, and has ended
template <typename Stream>
awaitable<std::optional<Response>> ConnectionOf<Stream>::become_socket(SocketSession& session,
                                                                       Exchange& exchange,
                                                                       const Parser& parser) {
  const bool is_early = buffer_.size() > 0;  // nothing may follow before the handshake is answered
  const std::optional<Share> share = shared_.sockets.hold(exchange.asker());
  if (!share) co_return sockets_taken(shared_.sockets.limits());
  if (!asks_for_web_socket(parser.get()) || is_early) co_return upgrade_required();
  co_await serve_web_socket(stream_, parser.get(), session, exchange, shared_);
  co_return std::nullopt;
}

template <typename Stream>
awaitable<bool> ConnectionOf<Stream>::write_text(std::string_view text) {
  lowest().expires_after(limits().stalled);
  const auto [error, count] =
      co_await asio::async_write(stream_, asio::buffer(text.data(), text.size()), kAwait);
  sent_bytes_ += count;
  co_return !error;
}

/// Closing with unread bytes would reset the connection, and the client might never read the
/// response: so what it still sends is read and dropped for a while.
template <typename Stream>
awaitable<void> ConnectionOf<Stream>::close(Sequel how) {
  lowest().expires_after(kLinger);
  error_code ignored;
  if constexpr (kIsTls) {
    if (how == Sequel::Close) {
      co_await stream_.async_shutdown(kAwait);
      co_return;
    }
  }
  lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
  if (how == Sequel::Close) co_return;
  std::vector<std::byte> dropped(kChunk_bytes);
  while (true) {
    const auto [error, count] = co_await lowest().async_read_some(asio::buffer(dropped), kAwait);
    if (error) co_return;
  }
}

template <typename Stream>
void serve_stream(Stream stream, Shared& shared, std::optional<Share> place) {
  const auto executor = stream.get_executor();
  auto connection =
      std::make_shared<ConnectionOf<Stream>>(std::move(stream), shared, std::move(place));
  shared.connections.add(connection);
  asio::co_spawn(
      executor, [connection]() -> awaitable<void> { co_await connection->serve(); },
      [connection, &shared](const std::exception_ptr& bug) {
        if (bug) log::error("a connection ended by an exception");
        shared.connections.remove(connection.get());
      });
}

}  // namespace

void serve(tcp::socket socket, Shared& shared) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  // A trusted proxy is everyone's address.
  const bool behind_proxy = shared.options.proxy == Proxy::Trusted;
  std::optional<Share> place =
      behind_proxy
          ? std::nullopt
          : shared.connections_of_address.hold(accounts::throttled_address(address_of(socket)));
  if ((!behind_proxy && !place) || !shared.connections.make_room()) {
    turn_away(std::move(socket), shared);
    return;
  }
  beast::tcp_stream stream(std::move(socket));
  if (shared.tls) {
    serve_stream(beast::ssl_stream<beast::tcp_stream>(std::move(stream), *shared.tls), shared,
                 std::move(place));
  } else {
    serve_stream(std::move(stream), shared, std::move(place));
  }
}

}  // namespace faceforge::http::internal
