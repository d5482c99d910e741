#pragma once

#include <string>

struct sockaddr;

namespace faceforge::net::internal {

/// Whether an address belongs to the open internet: neither this machine nor its neighbours, nor a
/// range that leads to them (IPv4 inside of IPv6), nor one that is reserved. What is unknown is
/// not.
///
/// source: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and later)
[[nodiscard]] bool is_public_address(const sockaddr& address);

/// `192.0.2.1` or `2001:db8::1`, for messages.
[[nodiscard]] std::string address_text(const sockaddr& address);

}  // namespace faceforge::net::internal
