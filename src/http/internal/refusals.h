#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "base/shares.h"
#include "http/message.h"

namespace faceforge::http::internal {

/// What the transport answers itself, without any route.

[[nodiscard]] Response header_too_large();
[[nodiscard]] Response request_malformed(const std::string& why);
[[nodiscard]] Response body_incomplete();
[[nodiscard]] Response body_too_slow(size_t received_bytes,
                                     std::chrono::steady_clock::duration taken);
[[nodiscard]] Response body_too_large(size_t limit_bytes);
[[nodiscard]] Response server_busy();
[[nodiscard]] Response server_busy(std::chrono::seconds retry_after);
[[nodiscard]] Response share_taken(size_t limit);
[[nodiscard]] Response upgrade_required();
[[nodiscard]] Response sockets_taken(const Shares::Limits& limits);

/// Whether a request says how its body is framed in a way that everyone on its way reads alike: no
/// Transfer-Encoding, or exactly one that is `chunked`, in HTTP/1.1. Anything else may hide a
/// second request in the body of the first.
///
/// in:     `http_version` 10 or 11
/// out:    nothing, or a 501 or a 400, after which the connection must end
/// source: RFC 9112, sections 6.1 and 6.3
[[nodiscard]] std::optional<Response> refuse_framing(const Headers& headers, unsigned http_version);

}  // namespace faceforge::http::internal
