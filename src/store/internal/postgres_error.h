#pragma once

#include <libpq-fe.h>

#include "base/error.h"

namespace faceforge::store::internal {

/// Turns a failed result, or a failed connection when there is none, into one of the errors that
/// `Transaction` documents.
[[nodiscard]] Error postgres_error(const PGconn* connection, const PGresult* result);

}  // namespace faceforge::store::internal
