#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/user.h"
#include "base/check.h"
#include "base/json.h"
#include "base/result.h"
#include "http/message.h"
#include "http/server.h"
#include "http/target.h"

namespace faceforge::http {

/// The ids of a path: those behind the names in braces of the route's pattern.
class PathIds {
 public:
  void add(std::string_view name, int64_t value) { ids_.emplace_back(name, value); }

  /// in: a name that the route's pattern has (a CHECK)
  [[nodiscard]] int64_t at(std::string_view name) const;

  template <typename Id>
  [[nodiscard]] Id id(std::string_view name) const {
    return Id(at(name));
  }

 private:
  std::vector<std::pair<std::string_view, int64_t>> ids_;
};

/// A request as its handler sees it: taken apart, its sender known.
struct Call {
  const Services& services;
  const RequestHead& head;
  const Target& target;
  const PathIds& ids;
  const std::optional<accounts::Principal>& principal;
  const std::string& csrf_token;  ///< of the session; empty for API keys
  const accounts::Origin& origin;
  std::span<const std::byte> body;
  std::stop_token abandoned;  ///< as in Exchange::answer

  /// Only behind routes that ask who it is (a CHECK).
  [[nodiscard]] accounts::UserId user() const {
    CHECK(principal.has_value());
    return principal->user.id;
  }
};

/// Reads the body as a JSON object that has no other fields than these.
///
/// fails: unsupported/not_json for another Content-Type; as json::parse;
///        invalid_input/json_not_an_object; invalid_input/json_field_unknown
[[nodiscard]] Result<json::object> json_body(const Call& call,
                                             std::initializer_list<std::string_view> fields);

/// A photo of a form.
struct SentPhoto {
  std::string field;
  std::string file_name;
  std::span<const std::byte> bytes;
};

/// Reads the body as a form of photos in fields of one name.
///
/// fails: as multipart_boundary and parse_multipart; invalid_input/form_field_unknown;
///        invalid_input/photo_missing when there is none; too_large/too_many_photos
[[nodiscard]] Result<std::vector<SentPhoto>> photos_of_form(const Call& call,
                                                            std::string_view field,
                                                            size_t photo_limit);

/// Reads the body as a form with exactly one photo in each of these fields.
///
/// out:   in the order of `fields`
/// fails: as above
[[nodiscard]] Result<std::vector<SentPhoto>> one_photo_each(
    const Call& call, std::initializer_list<std::string_view> fields);

}  // namespace faceforge::http
