#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "http/message.h"

namespace faceforge::http::internal {

/// Whose socket it is: an address without a port, IPv4 within IPv6 as IPv4, so that a client has
/// one name; empty when the client has gone already.
[[nodiscard]] std::string address_of(const boost::asio::ip::tcp::socket& socket);

/// Whether the client has closed its side of the connection, or all of it. What it has sent before
/// stays unread. HTTP has no use for a client that will not send and still listens.
[[nodiscard]] bool has_hung_up(boost::asio::ip::tcp::socket& socket);

/// Puts in what the proxy before us says about its client. Proxies append: what they saw themselves
/// is the last element of the last field of a name, and everything before it is the client's word.
/// What cannot be read changes nothing.
void apply_proxy_fields(RequestHead& head);

}  // namespace faceforge::http::internal
