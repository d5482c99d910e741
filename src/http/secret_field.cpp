#include "http/secret_field.h"

#include <utility>

#include "base/wiped_json.h"

namespace faceforge::http {

Result<crypto::Secret> secret_field(const json::object& from, std::string_view name) {
  return crypto::Secret::copy_of(TRY(json::text_field(from, name)));
}

Result<std::optional<crypto::Secret>> optional_secret_field(const json::object& from,
                                                            std::string_view name) {
  if (!json::has_field(from, name)) return std::nullopt;
  auto secret = TRY(secret_field(from, name));
  return std::optional(std::move(secret));
}

std::optional<std::string_view> text_of(const std::optional<crypto::Secret>& secret) {
  if (!secret) return std::nullopt;
  return secret->text();
}

}  // namespace faceforge::http
