#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace faceforge::http {

/// A field that nobody may read in what is left of the process's memory.
///
/// fails: as json::string_field
[[nodiscard]] Result<crypto::Secret> secret_field(const json::object& from, std::string_view name);

}  // namespace faceforge::http
