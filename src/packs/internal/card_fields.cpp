#include "packs/internal/card_fields.h"

#include <algorithm>

#include "base/sha256.h"

namespace faceforge::packs {

Unexpected card_fault(std::string_view field_path, std::string_view what) {
  return fail(ErrorCode::InvalidInput, "card_invalid", "the card's field `{}` {}", field_path,
              what);
}

CardFields::CardFields(const json::object& from, std::string path)
    : from_(&from), path_(std::move(path)) {}

std::string CardFields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

Unexpected CardFields::fault(std::string_view name, std::string_view what) const {
  return card_fault(path_of(name), what);
}

bool CardFields::has(std::string_view name) {
  asked_for_.emplace(name);
  const json::value* found = from_->if_contains(name);
  return found != nullptr && !found->is_null();
}

Result<const json::value*> CardFields::field(std::string_view name) {
  if (!has(name)) return fault(name, "is missing");
  return from_->if_contains(name);
}

Result<std::string> CardFields::text(std::string_view name, size_t limit_bytes) {
  return clean_text(name, limit_bytes, "");
}

Result<std::string> CardFields::lines(std::string_view name, size_t limit_bytes) {
  return clean_text(name, limit_bytes, "\n");
}

Result<std::string> CardFields::clean_text(std::string_view name, size_t limit_bytes,
                                           std::string_view allowed_controls) {
  const json::value* found = TRY(field(name));
  if (!found->is_string()) return fault(name, "must be a text");
  const auto& value = found->get_string();
  if (value.empty() || value.size() > limit_bytes) {
    return fault(name,
                 fmt::format("has {} bytes; it must have 1 to {}", value.size(), limit_bytes));
  }
  const bool is_clean = std::ranges::all_of(value, [&](char character) {
    const auto code = static_cast<unsigned char>(character);
    return (code >= 0x20 && code != 0x7F) || allowed_controls.find(character) != std::string::npos;
  });
  if (!is_clean) return fault(name, "has control characters");
  return std::string(value.begin(), value.end());
}

Result<std::string> CardFields::id(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  std::string id = TRY(text(name, 64));
  if (id.find_first_not_of(kAllowed) != std::string::npos || id.front() == '.' ||
      id.front() == '-') {
    return fault(name,
                 "may have lower-case letters, digits, `_`, `-` and `.` only, and begins with a "
                 "letter, a digit or `_`");
  }
  return id;
}

Result<std::string> CardFields::sha256(std::string_view name) {
  const std::string digits = TRY(text(name, 64));
  const auto hash = sha256_from_hex(digits);
  if (!hash) return fault(name, "must be 64 hexadecimal digits");
  return to_hex(*hash);
}

Result<double> CardFields::number(std::string_view name, double low, double high) {
  const json::value* found = TRY(field(name));
  return card_number(*found, path_of(name), low, high);
}

Result<int64_t> CardFields::integer(std::string_view name, int64_t low, int64_t high) {
  const json::value* found = TRY(field(name));
  if (!found->is_int64()) return fault(name, "must be an integer");
  const int64_t value = found->get_int64();
  if (value < low || value > high) {
    return fault(name, fmt::format("is {}; it must lie in {} to {}", value, low, high));
  }
  return value;
}

Result<bool> CardFields::boolean(std::string_view name) {
  const json::value* found = TRY(field(name));
  if (!found->is_bool()) return fault(name, "must be true or false");
  return found->get_bool();
}

Result<CardFields> CardFields::object(std::string_view name) {
  const json::value* found = TRY(field(name));
  return card_object(*found, path_of(name));
}

Result<const json::array*> CardFields::array(std::string_view name, size_t low, size_t high) {
  const json::value* found = TRY(field(name));
  const json::array* value = found->if_array();
  if (value == nullptr) return fault(name, "must be an array");
  if (value->size() < low || value->size() > high) {
    return fault(name,
                 fmt::format("has {} elements; it must have {} to {}", value->size(), low, high));
  }
  return value;
}

Result<void> CardFields::no_others() const {
  for (const auto& member : *from_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (!asked_for_.contains(name)) return fault(name.substr(0, 64), "is unknown");
  }
  return {};
}

Result<double> card_number(const json::value& from, std::string_view field_path, double low,
                           double high) {
  if (!from.is_number()) return card_fault(field_path, "must be a number");
  const double value = from.to_number<double>();
  if (!(value >= low && value <= high)) {
    return card_fault(field_path, fmt::format("is {}; it must lie in {} to {}", value, low, high));
  }
  return value;
}

Result<CardFields> card_object(const json::value& from, std::string field_path) {
  const json::object* value = from.if_object();
  if (value == nullptr) return card_fault(field_path, "must be an object");
  return CardFields(*value, std::move(field_path));
}

}  // namespace faceforge::packs
