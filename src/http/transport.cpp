#include "http/transport.h"

#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "http/internal/connection.h"
#include "http/internal/tls_context.h"

namespace faceforge::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

Result<tcp::endpoint> endpoint_of(const TransportOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return fail(ErrorCode::InvalidInput, "listen_address",
                "{} is no IPv4 or IPv6 address to listen on", options.address);
  }
  return tcp::endpoint(address, options.port);
}

Unexpected listen_failure(const error_code& error, const tcp::endpoint& endpoint) {
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::Conflict, "port_in_use",
                "port {} of {} is in use by another program; choose another one with --listen",
                endpoint.port(), endpoint.address().to_string());
  }
  if (error == asio::error::access_denied) {
    return fail(ErrorCode::Forbidden, "port_not_permitted",
                "only the administrator may listen on port {}; choose one above 1023",
                endpoint.port());
  }
  if (error == boost::system::errc::address_not_available) {
    return fail(ErrorCode::InvalidInput, "listen_address", "{} is no address of this machine",
                endpoint.address().to_string());
  }
  return fail(ErrorCode::Internal, "listen_failed", "cannot listen on {} port {}: {}",
              endpoint.address().to_string(), endpoint.port(), error.message());
}

Result<void> listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_failure(error, endpoint);
  return {};
}

}  // namespace

struct Transport::Parts {
  Parts(const TransportOptions& options, Application& application)
      : shared(options, application), acceptor(asio::make_strand(io)) {}

  asio::awaitable<void> accept_clients();

  // Connections in flight refer to `shared` and live in `io`, which is destroyed before it.
  internal::Shared shared;
  asio::io_context io;
  tcp::acceptor acceptor;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::jthread> threads;
  uint16_t port = 0;
};

asio::awaitable<void> Transport::Parts::accept_clients() {
  while (!shared.stopping) {
    tcp::socket socket(asio::make_strand(io));
    const auto [error] =
        co_await acceptor.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    if (!error) {
      internal::serve(std::move(socket), shared);
    } else if (error != asio::error::operation_aborted) {
      // Out of descriptors, most likely: give some connections the time to end.
      log::warning("cannot accept a connection: {}", error.message());
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

Result<std::unique_ptr<Transport>> Transport::start(const TransportOptions& options,
                                                    Application& application) {
  const tcp::endpoint endpoint = TRY(endpoint_of(options));
  TRY(make_private_folder(options.spool_folder));
  auto parts = std::make_unique<Parts>(options, application);
  if (options.tls) TRY(load_tls(parts->shared.tls, *options.tls));
  TRY(listen(parts->acceptor, endpoint));
  parts->port = parts->acceptor.local_endpoint().port();
  asio::co_spawn(parts->acceptor.get_executor(), parts->accept_clients(), asio::detached);
  for (size_t i = 0; i < options.io_threads; ++i) {
    parts->threads.emplace_back([&io = parts->io] { io.run(); });
  }
  return std::unique_ptr<Transport>(new Transport(std::move(parts)));
}

Transport::Transport(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Transport::~Transport() {
  stop();
}

uint16_t Transport::port() const {
  return parts_->port;
}

Result<void> Transport::use_certificate(const TlsFiles& files) {
  internal::Shared& shared = parts_->shared;
  CHECK(shared.options.tls.has_value());
  std::optional<asio::ssl::context> next;
  TRY(load_tls(next, files));
  // Where connections begin, so that none begins meanwhile.
  asio::post(parts_->acceptor.get_executor(),
             [&shared, next = std::move(next)]() mutable { shared.tls = std::move(next); });
  return {};
}

void Transport::stop() {
  if (parts_->threads.empty()) return;
  internal::Shared& shared = parts_->shared;
  shared.stopping = true;
  asio::post(parts_->acceptor.get_executor(), [&acceptor = parts_->acceptor] {
    error_code ignored;
    acceptor.close(ignored);
  });
  shared.connections.stop_idle_ones();
  if (!shared.connections.wait_until_none(shared.options.limits.drain)) {
    log::warning("closing connections that did not finish within {} ms",
                 shared.options.limits.drain.count());
    shared.connections.abort_all();
    shared.connections.wait_until_none();
  }
  // A worker may still hold the executor of a connection that it has just answered.
  shared.quick.finish();
  shared.passwords.finish();
  shared.photos.finish();
  shared.socket_openings.finish();
  shared.sockets_lane.finish();
  parts_->work.reset();
  parts_->threads.clear();  // joins them
}

}  // namespace faceforge::http
