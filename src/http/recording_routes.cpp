#include <utility>

#include "gallery/galleries.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/one_by_one.h"
#include "http/page.h"
#include "http/to_json.h"
#include "recognition/recognition.h"

namespace faceforge::http {
namespace {

/// Each is looked at again.
constexpr size_t kNamedFacesPerRequest = 50;

gallery::GalleryId gallery_of(const Call& call) {
  return call.ids.id<gallery::GalleryId>("gallery_id");
}

gallery::Galleries& galleries(const Call& call) {
  return call.services.recognition.galleries();
}

/// The list `face_ids` of a body.
///
/// fails: as json::array_field; invalid_input/json_field_type for what holds no whole numbers;
///        invalid_input/face_count for none and for more than `limit`
Result<std::vector<gallery::UnknownFaceId>> face_ids_of(const json::object& body, size_t limit) {
  std::vector<gallery::UnknownFaceId> ids;
  for (const json::value& item : TRY(json::array_field(body, "face_ids"))) {
    if (!item.is_int64()) {
      return fail(ErrorCode::InvalidInput, "json_field_type",
                  "the field `face_ids` must hold whole numbers only");
    }
    ids.emplace_back(item.as_int64());
  }
  if (ids.empty() || ids.size() > limit) {
    return fail(ErrorCode::InvalidInput, "face_count", "{} faces; between 1 and {} are taken",
                ids.size(), limit);
  }
  return ids;
}

/// Whose the faces shall be: someone of the gallery, or a new person by name.
struct Naming {
  gallery::PersonId person{};
  bool is_new = false;
};

Result<Naming> naming_of(const Call& call, const json::object& body) {
  if (json::has_field(body, "name") == json::has_field(body, "person_id")) {
    return fail(ErrorCode::InvalidInput, "naming_ambiguous",
                "either `person_id` or the `name` of a new person is needed");
  }
  if (json::has_field(body, "person_id")) {
    const auto id = gallery::PersonId(TRY(json::integer_field(body, "person_id")));
    TRY(galleries(call).find_person(call.user(), gallery_of(call), id));
    return Naming{.person = id};
  }
  const std::string name = TRY(json::string_field(body, "name"));
  const auto person = TRY(galleries(call).add_person(call.user(), gallery_of(call), name));
  return Naming{.person = person.id, .is_new = true};
}

json::object refused(gallery::UnknownFaceId face, const Error& error) {
  log_own_trouble(error);
  return {{"face_id", face.value()}, {"outcome", "refused"}, {"error", to_json(error)}};
}

/// Makes a face a photo of a person.
///
/// out:   as openapi.yaml's NamingReport has it
/// fails: as Recognition::enroll_unknown_face, but for a face that is gone
Result<Outcome> enroll(const Call& call, gallery::PersonId person, gallery::UnknownFaceId face) {
  const auto report = call.services.recognition.enroll_unknown_face(call.user(), gallery_of(call),
                                                                    person, face, call.abandoned);
  if (report && report->photo) {
    return Outcome{.json = {{"face_id", face.value()},
                            {"outcome", "taken"},
                            {"photo", to_json(*report->photo)}},
                   .is_taken = true};
  }
  if (report) return Outcome{.json = refused(face, *report->refusal)};
  // Deleted, expired or named meanwhile.
  if (report.error().reason != "unknown_face_not_found") return Unexpected(report.error());
  return Outcome{.json = refused(face, report.error())};
}

/// Whether the person of a naming that took nothing is there all the same: nobody is made of that,
/// unless another request has given them photos meanwhile.
Result<bool> stays(const Call& call, const Naming& naming) {
  if (!naming.is_new) return true;
  const bool is_gone = TRY(
      galleries(call).delete_person_without_photos(call.user(), gallery_of(call), naming.person));
  return !is_gone;
}

}  // namespace

Result<Response> set_recording(const Call& call) {
  const json::object body = TRY(json_body(call, {"is_on", "kept_days"}));
  gallery::Recording recording;
  recording.is_on = TRY(json::bool_field(body, "is_on"));
  recording.kept_days = TRY(json::integer_field(body, "kept_days"));
  const auto changed = TRY(galleries(call).set_recording(call.user(), gallery_of(call), recording));
  return json_response(200, to_json(changed, call.services.recognition));
}

Result<Response> delete_recorded(const Call& call) {
  TRY(galleries(call).delete_recorded(call.user(), gallery_of(call)));
  return no_content();
}

Result<Response> list_sightings(const Call& call) {
  const auto part = TRY(part_of<int64_t>(call.target.query));
  const auto read = TRY(galleries(call).list_sightings(call.user(), gallery_of(call), part));
  const auto page =
      page_of(read, part, [](const gallery::Sighting& sighting) { return sighting.id.value(); });
  return json_response(200, page_json("sightings", page, [](const gallery::Sighting& sighting) {
                         return to_json(sighting);
                       }));
}

Result<Response> list_unknown_faces(const Call& call) {
  return json_response(
      200, to_json(TRY(call.services.recognition.unknown_faces(call.user(), gallery_of(call)))));
}

Result<Response> delete_unknown_faces(const Call& call) {
  const json::object body = TRY(json_body(call, {"face_ids"}));
  const auto limit = static_cast<size_t>(galleries(call).limits().unknown_faces_per_gallery);
  const auto faces = TRY(face_ids_of(body, limit));
  TRY(galleries(call).delete_unknown_faces(call.user(), gallery_of(call), faces));
  return no_content();
}

Result<Response> get_unknown_face_crop(const Call& call) {
  const auto face = TRY(galleries(call).find_unknown_face(
      call.user(), gallery_of(call), call.ids.id<gallery::UnknownFaceId>("face_id")));
  // As the crop of a photo: the browser keeps it, and asks each time whether it may still show it.
  const std::string etag = fmt::format("\"{}\"", face.content.substr(0, 32));
  Response response{.headers = {{"Cache-Control", "private, no-cache"}, {"ETag", etag}}};
  if (call.head.headers.find("If-None-Match") == etag) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", "image/jpeg");
  response.body = TRY(galleries(call).read_unknown_face_file(call.user(), face));
  return response;
}

Result<Response> name_faces(const Call& call) {
  const json::object body = TRY(json_body(call, {"face_ids", "person_id", "name"}));
  const auto faces = TRY(face_ids_of(body, kNamedFacesPerRequest));
  const Naming naming = TRY(naming_of(call, body));
  auto outcomes = take_one_by_one(
      faces.size(), [&](size_t index) { return enroll(call, naming.person, faces[index]); },
      [&](size_t index, const Error& failure) { return refused(faces[index], failure); });
  bool is_there = outcomes && outcomes->taken_count > 0;
  if (!is_there) is_there = TRY(stays(call, naming));
  auto [results, taken_count] = TRY(std::move(outcomes));
  json::object written{{"person", nullptr},
                       {"taken_count", taken_count},
                       {"refused_count", static_cast<int64_t>(faces.size()) - taken_count},
                       {"results", std::move(results)}};
  if (is_there) {
    written["person"] =
        to_json(TRY(galleries(call).find_person(call.user(), gallery_of(call), naming.person)));
  }
  return json_response(200, written);
}

Result<Response> unname_faces(const Call& call) {
  const json::object body = TRY(json_body(call, {"face_ids", "delete_if_emptied"}));
  const auto faces = TRY(face_ids_of(body, kNamedFacesPerRequest));
  bool deletes = false;
  if (json::has_field(body, "delete_if_emptied")) {
    deletes = TRY(json::bool_field(body, "delete_if_emptied"));
  }
  const auto person = call.ids.id<gallery::PersonId>("person_id");
  const auto unknown =
      TRY(call.services.recognition.unname_faces(call.user(), gallery_of(call), person, faces));
  if (deletes) {
    TRY(galleries(call).delete_person_without_photos(call.user(), gallery_of(call), person));
  }
  json::array ids;
  for (const gallery::UnknownFaceId face : unknown) ids.emplace_back(face.value());
  return json_response(200, json::object{{"face_ids", std::move(ids)}});
}

}  // namespace faceforge::http
