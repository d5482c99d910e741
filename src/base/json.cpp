#include "base/json.h"

#include <cmath>

#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

namespace faceforge::json {
namespace {

constexpr size_t kMaxDepth = 32;

Result<const value*> field(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  if (found == nullptr) {
    return fail(ErrorCode::InvalidInput, "json_field_missing", "the field `{}` is missing", name);
  }
  return found;
}

Unexpected wrong_type(std::string_view name, std::string_view wanted, const value& got) {
  const auto kind = boost::json::to_string(got.kind());
  return fail(ErrorCode::InvalidInput, "json_field_type", "the field `{}` must be {}, not {}", name,
              wanted, std::string_view(kind.data(), kind.size()));
}

void write_pretty(const value& node, int depth, std::string& out) {
  const std::string indent(static_cast<size_t>(depth + 1) * 2, ' ');
  const std::string closing(static_cast<size_t>(depth) * 2, ' ');
  if (node.is_object() && !node.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& member : node.get_object()) {
      if (!first) out += ",\n";
      first = false;
      out += indent + boost::json::serialize(boost::json::string(member.key())) + ": ";
      write_pretty(member.value(), depth + 1, out);
    }
    out += "\n" + closing + "}";
  } else if (node.is_array() && !node.get_array().empty() &&
             (node.get_array()[0].is_object() || node.get_array()[0].is_array())) {
    out += "[\n";
    bool first = true;
    for (const auto& element : node.get_array()) {
      if (!first) out += ",\n";
      first = false;
      out += indent;
      write_pretty(element, depth + 1, out);
    }
    out += "\n" + closing + "]";
  } else {
    out += boost::json::serialize(node);
  }
}

}  // namespace

Result<value> parse(std::string_view text, size_t limit_bytes) {
  if (text.size() > limit_bytes) {
    return fail(ErrorCode::TooLarge, "json_too_large", "{} bytes of JSON; the limit is {}",
                text.size(), limit_bytes);
  }
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::parser parser({}, options);
  boost::json::error_code error;
  const size_t read = parser.write(text.data(), text.size(), error);
  if (error) {
    return fail(ErrorCode::InvalidInput, "json_malformed", "malformed JSON at byte {}: {}", read,
                error.message());
  }
  return parser.release();
}

std::string to_text(const value& document) {
  return boost::json::serialize(document);
}

std::string to_pretty_text(const value& document) {
  std::string out;
  write_pretty(document, 0, out);
  out += "\n";
  return out;
}

Result<std::string> string_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_string()) return wrong_type(name, "a string", *found);
  return std::string(found->get_string().c_str(), found->get_string().size());
}

Result<double> number_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_number()) return wrong_type(name, "a number", *found);
  return found->to_number<double>();
}

Result<int64_t> integer_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  boost::json::error_code error;
  const auto number = found->is_number() ? found->to_number<int64_t>(error) : 0;
  if (!found->is_number() || error) return wrong_type(name, "an integer", *found);
  return number;
}

Result<bool> bool_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_bool()) return wrong_type(name, "true or false", *found);
  return found->get_bool();
}

Result<object> object_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_object()) return wrong_type(name, "an object", *found);
  return found->get_object();
}

Result<array> array_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_array()) return wrong_type(name, "an array", *found);
  return found->get_array();
}

bool has_field(const object& from, std::string_view name) {
  return from.if_contains(name) != nullptr;
}

}  // namespace faceforge::json
