#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.h"

namespace faceforge::json {

using boost::json::array;
using boost::json::object;
using boost::json::value;

/// Parses one JSON document of at most `limit_bytes`, 32 levels deep.
///
/// fails: too_large/json_too_large; invalid_input/json_malformed with the position
[[nodiscard]] Result<value> parse(std::string_view text, size_t limit_bytes = size_t{16} << 20);

/// The number that a float stands for, with the fewest digits: 0.3, not 0.30000001192092896.
///
/// out: null when it is not finite, for JSON has no word for that
[[nodiscard]] value number(float shortest);

/// Writes on one line. Numbers are written as people write them (0.3, not 3E-1).
[[nodiscard]] std::string to_text(const value& document);

/// Writes with two spaces of indentation and a final newline, for people and for cards.
[[nodiscard]] std::string to_pretty_text(const value& document);

/// Reads a required field of an object with its type.
///
/// fails: invalid_input/json_field_missing or json_field_type, naming the field
[[nodiscard]] Result<std::string> string_field(const object& from, std::string_view name);
[[nodiscard]] Result<double> number_field(const object& from, std::string_view name);
[[nodiscard]] Result<int64_t> integer_field(const object& from, std::string_view name);
[[nodiscard]] Result<bool> bool_field(const object& from, std::string_view name);
[[nodiscard]] Result<object> object_field(const object& from, std::string_view name);
[[nodiscard]] Result<array> array_field(const object& from, std::string_view name);
[[nodiscard]] bool has_field(const object& from, std::string_view name);

}  // namespace faceforge::json
