#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace faceforge::train {

/// fails: invalid_input/json_field_missing or json_field_type, also for a negative number
[[nodiscard]] inline Result<uint64_t> count_field(const json::object& from, std::string_view name) {
  const int64_t value = TRY(json::integer_field(from, name));
  if (value >= 0) return static_cast<uint64_t>(value);
  return fail(ErrorCode::InvalidInput, "json_field_type", "{} is negative: {}", name, value);
}

}  // namespace faceforge::train
