#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "http/internal/connection.h"

namespace faceforge::http::internal {

/// Tells a client that there are too many, within a second, and closes. Where too many are being
/// told already, and over TLS, whose handshake would be work for nothing, it only closes. Never
/// waits.
void turn_away(boost::asio::ip::tcp::socket socket, Shared& shared);

}  // namespace faceforge::http::internal
