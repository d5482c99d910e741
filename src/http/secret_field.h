#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace faceforge::http {

/// A field that nobody may read in what is left of the process's memory.
///
/// fails: as json::string_field
[[nodiscard]] Result<crypto::Secret> secret_field(const json::object& from, std::string_view name);

/// As `secret_field`, of a field that may be left out.
[[nodiscard]] Result<std::optional<crypto::Secret>> optional_secret_field(const json::object& from,
                                                                          std::string_view name);

/// Refers to `secret`.
[[nodiscard]] std::optional<std::string_view> text_of(const std::optional<crypto::Secret>& secret);

}  // namespace faceforge::http
