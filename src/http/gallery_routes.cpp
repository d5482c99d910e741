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

gallery::Galleries& galleries(const Call& call) {
  return call.services.recognition.galleries();
}

constexpr auto kWrite = [](const auto& item) { return to_json(item); };

}  // namespace

Result<Response> list_galleries(const Call& call) {
  const auto part = TRY(part_of<std::string>(call.target.query));
  const auto read = TRY(galleries(call).list_galleries(call.user(), part));
  const auto page = page_of(read, part, &gallery::Gallery::name);
  return json_response(200, page_json("galleries", page, kWrite));
}

Result<Response> create_gallery(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  return json_response(201, to_json(TRY(galleries(call).create_gallery(call.user(), name))));
}

Result<Response> get_gallery(const Call& call) {
  return json_response(200,
                       to_json(TRY(galleries(call).find_gallery(call.user(), gallery_of(call)))));
}

Result<Response> rename_gallery(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto renamed = TRY(galleries(call).rename_gallery(call.user(), gallery_of(call), name));
  return json_response(200, to_json(renamed));
}

Result<Response> delete_gallery(const Call& call) {
  TRY(call.services.recognition.delete_gallery(call.user(), gallery_of(call)));
  return no_content();
}

Result<Response> list_people(const Call& call) {
  const auto part = TRY(part_of<std::string>(call.target.query));
  const auto read = TRY(galleries(call).list_people(call.user(), gallery_of(call), part));
  const auto page = page_of(read, part, &gallery::Person::name);
  return json_response(200, page_json("people", page, kWrite));
}

Result<Response> create_person(const Call& call) {
  const std::string name = TRY(name_of_body(call));
  const auto person = TRY(galleries(call).add_person(call.user(), gallery_of(call), name));
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

}  // namespace faceforge::http
