#pragma once

#include <string_view>

#include "base/json.h"

namespace faceforge::json {

/// As `parse`, for a document that may hold a password: all memory of it is wiped before it is
/// given back. Move the document or a part of it: a copy is made in common memory.
///
/// fails: as parse
[[nodiscard]] Result<value> parse_wiped(std::string_view text, size_t limit_bytes);

/// As `string_field`, without a copy: a view that lives as long as `from` stays as it is.
///
/// fails: as string_field
[[nodiscard]] Result<std::string_view> text_field(const object& from, std::string_view name);

}  // namespace faceforge::json
