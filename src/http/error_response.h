#pragma once

#include "base/error.h"
#include "base/json.h"
#include "http/message.h"

namespace faceforge::http {

/// The one place where errors become HTTP statuses.
[[nodiscard]] int status_of(const Error& error);

/// `{"code": .., "reason": .., "message": ..}`
[[nodiscard]] json::object to_json(const Error& error);

/// `{"error": {..}}` with its status; 429 and 503 carry Retry-After. What is the installation's own
/// trouble (corrupt, internal) is logged, and the client is told no more than that.
[[nodiscard]] Response error_response(const Error& error);

/// A JSON document.
[[nodiscard]] Response json_response(int status, const json::value& document);

/// 204.
[[nodiscard]] Response no_content();

}  // namespace faceforge::http
