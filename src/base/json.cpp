#include "base/json.h"

#include <cmath>
#include <cstdlib>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/check.h"
#include "base/wipe.h"
#include "base/wiped_json.h"

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

class WipingResource final : public boost::json::memory_resource {
 private:
  // Boost.JSON gives some memory back under another alignment than it was asked for under.
  void* do_allocate(size_t size_bytes, size_t alignment) override {
    CHECK(alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return ::operator new(size_bytes);
  }
  void do_deallocate(void* memory, size_t size_bytes, size_t) override {
    wipe({static_cast<std::byte*>(memory), size_bytes});
    ::operator delete(memory, size_bytes);
  }
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

enum class Layout { OneLine, Indented };

void write(const value& node, Layout layout, int depth, std::string& out);

void write_string(std::string_view text, std::string& out) {
  out += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

/// Boost.JSON would write 0.3 as 3E-1: correct, and hard to read.
void write_number(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const std::string digits = fmt::format("{}", number);
  out += digits;
  const bool looks_like_an_integer = digits.find_first_of(".e") == std::string::npos;
  if (looks_like_an_integer) out += ".0";  // read back, it is a double again
}

/// Writes the children of an object or array between `brackets`, as `write_child` writes each.
template <typename Children, typename WriteChild>
void write_children(const Children& children, std::string_view brackets, Layout layout, int depth,
                    std::string& out, WriteChild write_child) {
  const auto new_line = [&](int levels) {
    if (layout == Layout::Indented) out.append("\n").append(static_cast<size_t>(levels) * 2, ' ');
  };
  out += brackets[0];
  bool first = true;
  for (const auto& child : children) {
    if (!first) out += ',';
    first = false;
    new_line(depth + 1);
    write_child(child);
  }
  new_line(depth);
  out += brackets[1];
}

void write_object(const object& node, Layout layout, int depth, std::string& out) {
  if (node.empty()) layout = Layout::OneLine;
  write_children(node, "{}", layout, depth, out, [&](const auto& member) {
    write_string({member.key().data(), member.key().size()}, out);
    out += layout == Layout::Indented ? ": " : ":";
    write(member.value(), layout, depth + 1, out);
  });
}

void write_array(const array& node, Layout layout, int depth, std::string& out) {
  const bool nested = !node.empty() && (node[0].is_object() || node[0].is_array());
  if (!nested) layout = Layout::OneLine;  // a row of numbers stays on one line
  write_children(node, "[]", layout, depth, out,
                 [&](const value& element) { write(element, layout, depth + 1, out); });
}

void write(const value& node, Layout layout, int depth, std::string& out) {
  if (node.is_object()) {
    write_object(node.get_object(), layout, depth, out);
  } else if (node.is_array()) {
    write_array(node.get_array(), layout, depth, out);
  } else if (node.is_double()) {
    write_number(node.get_double(), out);
  } else if (node.is_string()) {
    write_string({node.get_string().data(), node.get_string().size()}, out);
  } else {
    out += boost::json::serialize(node);
  }
}

Result<value> parse_in(std::string_view text, size_t limit_bytes,
                       const boost::json::storage_ptr& storage) {
  if (text.size() > limit_bytes) {
    return fail(ErrorCode::TooLarge, "json_too_large", "{} bytes of JSON; the limit is {}",
                text.size(), limit_bytes);
  }
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::parser parser(storage, options);
  parser.reset(storage);
  boost::json::error_code error;
  const size_t read = parser.write(text.data(), text.size(), error);
  if (error) {
    return fail(ErrorCode::InvalidInput, "json_malformed", "malformed JSON at byte {}: {}", read,
                error.message());
  }
  return parser.release();
}

}  // namespace

Result<value> parse(std::string_view text, size_t limit_bytes) {
  return parse_in(text, limit_bytes, {});
}

Result<value> parse_wiped(std::string_view text, size_t limit_bytes) {
  static WipingResource resource;
  return parse_in(text, limit_bytes, boost::json::storage_ptr(&resource));
}

std::string to_text(const value& document) {
  std::string out;
  write(document, Layout::OneLine, 0, out);
  return out;
}

std::string to_pretty_text(const value& document) {
  std::string out;
  write(document, Layout::Indented, 0, out);
  out += "\n";
  return out;
}

value number(float shortest) {
  if (!std::isfinite(shortest)) return nullptr;
  return std::strtod(fmt::format("{}", shortest).c_str(), nullptr);
}

Result<std::string> string_field(const object& from, std::string_view name) {
  return std::string(TRY(text_field(from, name)));
}

Result<std::string_view> text_field(const object& from, std::string_view name) {
  const value* found = TRY(field(from, name));
  if (!found->is_string()) return wrong_type(name, "a string", *found);
  return std::string_view(found->get_string().data(), found->get_string().size());
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
