#pragma once

#include <optional>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/span_body.hpp>

#include "http/message.h"

namespace faceforge::http::internal {

using ResponseMessage = boost::beast::http::response<boost::beast::http::span_body<const char>>;

/// A response as Beast sends it: with its date, its length, and a view of its bytes unless HEAD
/// asked for it. An event stream and what has no content get no length.
///
/// in:     `response` outlives the message
/// source: RFC 9110, section 5.6.7 (the date)
[[nodiscard]] ResponseMessage message_of(const Response& response, Method method, bool keep_alive);

/// What is told to a client whose header could not be read.
///
/// out: nothing when nobody is there to be told
[[nodiscard]] std::optional<Response> response_to_malformed(const boost::system::error_code& error);

/// The same for a body that did not come to its end.
[[nodiscard]] std::optional<Response> response_to_incomplete(
    const boost::system::error_code& error);

}  // namespace faceforge::http::internal
