#include "gallery/galleries.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/to_json.h"
#include "recognition/recognition.h"

namespace faceforge::http {
namespace {

gallery::GalleryId gallery_of(const Call& call) {
  return call.ids.id<gallery::GalleryId>("gallery_id");
}

gallery::PersonId person_of(const Call& call) {
  return call.ids.id<gallery::PersonId>("person_id");
}

Result<std::string> name_of_body(const Call& call) {
  return json::string_field(TRY(json_body(call, {"name"})), "name");
}

/// A list of ids in a body.
///
/// fails: as json::array_field; invalid_input/json_field_type for what holds no whole numbers
template <typename Id>
Result<std::vector<Id>> ids_of(const json::object& body, std::string_view field) {
  std::vector<Id> ids;
  for (const json::value& item : TRY(json::array_field(body, field))) {
    if (!item.is_int64()) {
      return fail(ErrorCode::InvalidInput, "json_field_type",
                  "the field `{}` must hold whole numbers only", field);
    }
    ids.emplace_back(item.as_int64());
  }
  return ids;
}

template <typename Id>
json::array ids_json(const std::vector<Id>& ids) {
  json::array written;
  for (const Id id : ids) written.emplace_back(id.value());
  return written;
}

gallery::Galleries& galleries(const Call& call) {
  return call.services.recognition.galleries();
}

json::object gallery_json(const Call& call, const gallery::Gallery& gallery) {
  return to_json(gallery, call.services.recognition);
}

constexpr auto kWrite = [](const auto& item) { return to_json(item); };

}  // namespace

Result<Response> list_galleries(const Call& call) {
  const auto part = TRY(part_of<std::string>(call.target.query));
  const auto read = TRY(galleries(call).list_galleries(call.user(), part));
  const auto page = page_of(read, part, &gallery::Gallery::name);
  return json_response(200, page_json("galleries", page, [&](const gallery::Gallery& gallery) {
                         return gallery_json(call, gallery);
                       }));
}

Result<Response> create_gallery(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto made = TRY(galleries(call).create_gallery(call.user(), name));
  return json_response(201, gallery_json(call, made));
}

Result<Response> get_gallery(const Call& call) {
  const auto found = TRY(galleries(call).find_gallery(call.user(), gallery_of(call)));
  return json_response(200, gallery_json(call, found));
}

Result<Response> rename_gallery(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto renamed = TRY(galleries(call).rename_gallery(call.user(), gallery_of(call), name));
  return json_response(200, gallery_json(call, renamed));
}

Result<Response> delete_gallery(const Call& call) {
  TRY(call.services.recognition.delete_gallery(call.user(), gallery_of(call)));
  return no_content();
}

Result<Response> duplicate_gallery(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto go_on = [&]() -> Result<void> {
    if (!call.abandoned.stop_requested()) return {};
    return fail(ErrorCode::Cancelled, "request_abandoned", "nobody waits for the copy any more");
  };
  const auto copy =
      TRY(galleries(call).duplicate_gallery(call.user(), gallery_of(call), name, go_on));
  return json_response(201, gallery_json(call, copy));
}

Result<Response> list_people(const Call& call) {
  const Query& query = call.target.query;
  TRY(query.allow({"limit", "cursor", "name"}));
  const auto part = TRY(part_within<std::string>(query));
  const std::string_view wanted = query.text("name").value_or("");
  const auto read = TRY(
      wanted.empty() ? galleries(call).list_people(call.user(), gallery_of(call), part)
                     : galleries(call).find_people(call.user(), gallery_of(call), wanted, part));
  const auto page = page_of(read, part, &gallery::Person::name);
  return json_response(200, page_json("people", page, kWrite));
}

Result<Response> create_person(const Call& call) {
  const json::object body = TRY(json_body(call, {"name", "photo_ids"}));
  const std::string name = TRY(json::string_field(body, "name"));
  if (!json::has_field(body, "photo_ids")) {
    const auto person = TRY(galleries(call).add_person(call.user(), gallery_of(call), name));
    return json_response(201, to_json(person));
  }
  const auto photos = TRY(ids_of<gallery::PhotoId>(body, "photo_ids"));
  const auto person =
      TRY(galleries(call).add_person_of_photos(call.user(), gallery_of(call), name, photos));
  return json_response(201, to_json(person));
}

Result<Response> get_person(const Call& call) {
  const auto person =
      TRY(galleries(call).find_person(call.user(), gallery_of(call), person_of(call)));
  return json_response(200, to_json(person));
}

Result<Response> rename_person(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto person =
      TRY(galleries(call).rename_person(call.user(), gallery_of(call), person_of(call), name));
  return json_response(200, to_json(person));
}

Result<Response> delete_person(const Call& call) {
  TRY(call.services.recognition.delete_person(call.user(), gallery_of(call), person_of(call)));
  return no_content();
}

Result<Response> move_photos(const Call& call) {
  const json::object body = TRY(json_body(call, {"photo_ids"}));
  const auto photos = TRY(ids_of<gallery::PhotoId>(body, "photo_ids"));
  const auto person =
      TRY(galleries(call).move_photos(call.user(), gallery_of(call), photos, person_of(call)));
  return json_response(200, to_json(person));
}

Result<Response> move_photos_back(const Call& call) {
  using Emptied = gallery::Galleries::Emptied;
  const json::object body =
      TRY(json_body(call, {"photo_ids", "from_person_id", "merge_if_emptied"}));
  const auto photos = TRY(ids_of<gallery::PhotoId>(body, "photo_ids"));
  const auto from = gallery::PersonId(TRY(json::integer_field(body, "from_person_id")));
  const bool merges = TRY(json::bool_field(body, "merge_if_emptied"));
  const auto moved =
      TRY(galleries(call).move_back(call.user(), gallery_of(call), photos, from, person_of(call),
                                    merges ? Emptied::IsMerged : Emptied::Stays));
  return json_response(200, json::object{{"photo_ids", ids_json(moved)}});
}

Result<Response> merge_person(const Call& call) {
  const json::object body = TRY(json_body(call, {"person_id"}));
  const auto merged = gallery::PersonId(TRY(json::integer_field(body, "person_id")));
  const auto moved =
      TRY(galleries(call).merge_person(call.user(), gallery_of(call), merged, person_of(call)));
  const auto person =
      TRY(galleries(call).find_person(call.user(), gallery_of(call), person_of(call)));
  return json_response(200, json::object{{"person", to_json(person)},
                                         {"photo_ids", ids_json(moved.photos)},
                                         {"sighting_ids", ids_json(moved.sightings)}});
}

Result<Response> unmerge_person(const Call& call) {
  const json::object body = TRY(json_body(call, {"name", "photo_ids", "sighting_ids"}));
  const std::string name = TRY(json::string_field(body, "name"));
  gallery::Merged merged;
  merged.photos = TRY(ids_of<gallery::PhotoId>(body, "photo_ids"));
  merged.sightings = TRY(ids_of<gallery::SightingId>(body, "sighting_ids"));
  const auto again = TRY(
      galleries(call).unmerge_person(call.user(), gallery_of(call), person_of(call), name, merged));
  if (!again) {
    return json_response(200, json::object{{"person", nullptr}, {"photo_ids", json::array()}});
  }
  return json_response(200, json::object{{"person", to_json(again->person)},
                                         {"photo_ids", ids_json(again->photos)}});
}

}  // namespace faceforge::http
