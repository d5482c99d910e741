#include "http/internal/turn_away.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <fmt/format.h>

#include "http/internal/refusals.h"

namespace faceforge::http::internal {

namespace asio = boost::asio;

namespace {

constexpr size_t kTurningAwayMax = 64;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::string refusal_text(const Shared& shared) {
  Response response = server_busy();
  shared.application.finish(response, Scheme::Http);
  const std::string_view bytes = bytes_of(response.body);
  std::string text = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n";
  for (const Header& field : response.headers) text += field.name + ": " + field.value + "\r\n";
  return text + fmt::format("Content-Length: {}\r\n\r\n{}", bytes.size(), bytes);
}

asio::awaitable<void> refuse(boost::beast::tcp_stream stream, Shared& shared) {
  const std::string text = refusal_text(shared);
  stream.expires_after(std::chrono::seconds(1));
  const auto [error, count] = co_await asio::async_write(stream, asio::buffer(text), kAwait);
  if (!error) {
    boost::system::error_code ignored;
    stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    std::vector<std::byte> dropped(4'096);
    bool open = true;
    while (open) {
      const auto [end, dropped_bytes] =
          co_await stream.async_read_some(asio::buffer(dropped), kAwait);
      open = !end;
    }
  }
  --shared.turning_away_count;
}

}  // namespace

void turn_away(asio::ip::tcp::socket socket, Shared& shared) {
  if (shared.tls || shared.turning_away_count >= kTurningAwayMax) return;
  ++shared.turning_away_count;
  const auto executor = socket.get_executor();
  asio::co_spawn(executor, refuse(boost::beast::tcp_stream(std::move(socket)), shared),
                 asio::detached);
}

}  // namespace faceforge::http::internal
