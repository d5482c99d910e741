#pragma once

#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "http/message.h"

namespace faceforge::http {

/// An error as a client may see it. Of the installation's own trouble (corrupt, internal, and what
/// the database and the files fail with) only the reason is left, with a code that fits a client:
/// the words name paths, hosts and statements.
[[nodiscard]] Error for_client(const Error& error);

/// Whether `for_client` leaves anything out.
[[nodiscard]] bool is_own_trouble(const Error& error);

/// Keeps in the log what `for_client` leaves out, if anything.
void log_own_trouble(const Error& error);

/// The one place where errors become HTTP statuses.
[[nodiscard]] int status_of(const Error& error);

/// After how many seconds to try again; nothing where time alone changes nothing (no 429 and no
/// 503).
[[nodiscard]] std::optional<int> retry_after_s(const Error& error);

/// `{"code": .., "reason": .., "message": ..}`, of the error as `for_client` leaves it.
[[nodiscard]] json::object to_json(const Error& error);

/// `{"error": {..}}` with its status; 429 and 503 carry Retry-After. What `for_client` leaves out
/// is logged.
[[nodiscard]] Response error_response(const Error& error);

/// A JSON document. What is no UTF-8 in its texts (the name of a folder, say) becomes U+FFFD.
[[nodiscard]] Response json_response(int status, const json::value& document);

/// 204.
[[nodiscard]] Response no_content();

}  // namespace faceforge::http
