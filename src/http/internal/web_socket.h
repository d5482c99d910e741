#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>

#include "http/exchange.h"
#include "http/internal/connection.h"
#include "http/socket_session.h"

namespace faceforge::http::internal {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::buffer_body>;

/// Whether a request asks for a WebSocket.
[[nodiscard]] bool asks_for_web_socket(const UpgradeRequest& request);

/// Makes a WebSocket of a connection and serves it until one side ends it or the client may ask no
/// more. The transport's connection is closed afterwards.
///
/// in: `stream` a `beast::tcp_stream` or a `beast::ssl_stream` of one, which nobody else reads from
///     or writes to; `exchange` is admitted and is asked again as `limits.socket_check` says
template <typename Stream>
boost::asio::awaitable<void> serve_web_socket(Stream& stream, const UpgradeRequest& request,
                                              SocketSession& session, Exchange& exchange,
                                              Shared& shared);

}  // namespace faceforge::http::internal
