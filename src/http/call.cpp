#include "http/call.h"

#include <algorithm>

#include "base/wiped_json.h"
#include "http/header_value.h"
#include "http/multipart.h"

namespace faceforge::http {
namespace {

constexpr size_t kMaxParts = 51;

Result<std::vector<Part>> form_of(const Call& call) {
  const std::string boundary = TRY(multipart_boundary(call.head.headers.find("Content-Type")));
  return parse_multipart(call.body, boundary, {.part_count = kMaxParts});
}

SentPhoto sent_photo(Part part) {
  return {.field = std::move(part.name),
          .file_name = part.file_name.value_or("photo"),
          .bytes = part.bytes};
}

}  // namespace

int64_t PathIds::at(std::string_view name) const {
  const auto found = std::ranges::find(ids_, name, [](const auto& id) { return id.first; });
  CHECK_MSG(found != ids_.end(), name);
  return found->second;
}

Result<json::object> json_body(const Call& call, std::initializer_list<std::string_view> fields) {
  const auto type = call.head.headers.find("Content-Type");
  const auto parsed_type = type ? parse_header_value(*type) : std::nullopt;
  if (!parsed_type || !same_token(parsed_type->token, "application/json")) {
    return fail(ErrorCode::Unsupported, "not_json",
                "send JSON, with the header Content-Type: application/json");
  }
  auto document = TRY(json::parse_wiped(
      {reinterpret_cast<const char*>(call.body.data()), call.body.size()}, call.body.size()));
  if (!document.is_object()) {
    return fail(ErrorCode::InvalidInput, "json_not_an_object", "the body must be a JSON object");
  }
  json::object object = std::move(document.get_object());
  for (const auto& field : object) {
    if (std::ranges::find(fields, std::string_view(field.key())) == fields.end()) {
      return fail(ErrorCode::InvalidInput, "json_field_unknown",
                  "the body has an unknown field; known are: {}", fmt::join(fields, ", "));
    }
  }
  return object;
}

Result<std::vector<SentPhoto>> photos_of_form(const Call& call, std::string_view field,
                                              size_t photo_limit) {
  std::vector<SentPhoto> photos;
  for (Part& part : TRY(form_of(call))) {
    if (part.name != field) {
      return fail(ErrorCode::InvalidInput, "form_field_unknown",
                  "the form has a field other than {}", field);
    }
    if (photos.size() == photo_limit) {
      return fail(ErrorCode::TooLarge, "too_many_photos",
                  "more than {} photos in one request; send them in several", photo_limit);
    }
    photos.push_back(sent_photo(std::move(part)));
  }
  if (photos.empty()) {
    return fail(ErrorCode::InvalidInput, "photo_missing", "the form has no field {}", field);
  }
  return photos;
}

Result<std::vector<SentPhoto>> one_photo_each(const Call& call,
                                              std::initializer_list<std::string_view> fields) {
  std::vector<std::optional<SentPhoto>> found(fields.size());
  for (Part& part : TRY(form_of(call))) {
    const auto field = std::ranges::find(fields, part.name);
    if (field == fields.end()) {
      return fail(ErrorCode::InvalidInput, "form_field_unknown",
                  "the form has an unknown field; known are: {}", fmt::join(fields, ", "));
    }
    auto& place = found[static_cast<size_t>(field - fields.begin())];
    if (place) {
      return fail(ErrorCode::TooLarge, "too_many_photos", "one photo is wanted as {}", *field);
    }
    place = sent_photo(std::move(part));
  }
  std::vector<SentPhoto> photos;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!found[i]) {
      return fail(ErrorCode::InvalidInput, "photo_missing", "the form has no field {}",
                  fields.begin()[i]);
    }
    photos.push_back(*std::move(found[i]));
  }
  return photos;
}

}  // namespace faceforge::http
