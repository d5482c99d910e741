#include <functional>

#include "gallery/galleries.h"
#include "http/error_response.h"
#include "http/face_crop.h"
#include "http/handlers.h"
#include "http/one_by_one.h"
#include "http/page.h"
#include "http/photo_media_type.h"
#include "http/to_json.h"
#include "recognition/recognition.h"

namespace faceforge::http {
namespace {

constexpr size_t kPhotosPerRequest = 50;

struct Place {
  gallery::UserId user;
  gallery::GalleryId gallery;
  gallery::PersonId person;
};

Place place_of(const Call& call) {
  return {.user = call.user(),
          .gallery = call.ids.id<gallery::GalleryId>("gallery_id"),
          .person = call.ids.id<gallery::PersonId>("person_id")};
}

/// The photo of the path; one of another person is not there.
Result<gallery::Photo> photo_of(const Call& call) {
  const Place place = place_of(call);
  gallery::Galleries& galleries = call.services.recognition.galleries();
  TRY(galleries.find_person(place.user, place.gallery, place.person));
  auto photo = TRY(
      galleries.find_photo(place.user, place.gallery, call.ids.id<gallery::PhotoId>("photo_id")));
  if (photo.person_id != place.person) {
    return fail(ErrorCode::NotFound, "photo_not_found", "this person has no such photo");
  }
  return photo;
}

Result<store::Blob> file_of(const Call& call, const gallery::Photo& photo) {
  return call.services.recognition.galleries().read_photo_file(call.user(), photo.gallery_id,
                                                               photo.id);
}

/// Of what a crop is made of: a photo's bytes and face never change.
std::string crop_etag(const gallery::Photo& photo) {
  const auto& box = photo.face.box;
  return fmt::format("\"{}-{:.0f}-{:.0f}-{:.0f}\"", photo.content.substr(0, 32), box.x, box.y,
                     box.width);
}

json::object refused(const Error& error) {
  log_own_trouble(error);
  return {{"outcome", "refused"}, {"error", to_json(error)}};
}

json::object upload_json(const recognition::EnrollReport& report) {
  json::object written = report.photo
                             ? json::object{{"outcome", "taken"}, {"photo", to_json(*report.photo)}}
                             : refused(*report.refusal);
  if (report.duplicate_of) {
    written["duplicate_of"] = json::object{{"photo_id", report.duplicate_of->photo_id.value()},
                                           {"person_id", report.duplicate_of->person_id.value()},
                                           {"person", report.duplicate_of->person_name}};
  }
  json::array faces;
  for (const auto& face : report.faces) faces.emplace_back(to_json(face));
  written["width_px"] = report.width_px;
  written["height_px"] = report.height_px;
  written["faces"] = std::move(faces);
  return written;
}

json::object upload_json(const Error& failure) {
  json::object written = refused(failure);
  written["width_px"] = 0;
  written["height_px"] = 0;
  written["faces"] = json::array();
  return written;
}

}  // namespace

Result<Response> list_photos(const Call& call) {
  const Place place = place_of(call);
  const auto part = TRY(part_of<int64_t>(call.target.query));
  const auto read = TRY(call.services.recognition.galleries().list_photos(place.user, place.gallery,
                                                                          place.person, part));
  const auto page =
      page_of(read, part, [](const gallery::Photo& photo) { return photo.id.value(); });
  return json_response(
      200, page_json("photos", page, [](const gallery::Photo& photo) { return to_json(photo); }));
}

Result<Response> upload_photos(const Call& call) {
  const Place place = place_of(call);
  // Before the form: a wrong address is wrong whatever was sent there.
  TRY(call.services.recognition.galleries().find_person(place.user, place.gallery, place.person));
  const auto photos = TRY(photos_of_form(call, "photo", kPhotosPerRequest));
  const auto named = [&](size_t index, json::object result) {
    result["index"] = static_cast<int64_t>(index);
    result["file_name"] = photos[index].file_name;
    return result;
  };
  const auto take = [&](size_t index) -> Result<Outcome> {
    const auto report = TRY(call.services.recognition.enroll(
        place.user, place.gallery, place.person, {photos[index].bytes, call.abandoned},
        photos[index].file_name));
    return Outcome{.json = named(index, upload_json(report)), .is_taken = report.photo.has_value()};
  };
  const auto failed = [&](size_t index, const Error& failure) {
    return named(index, upload_json(failure));
  };
  auto outcomes = TRY(take_one_by_one(photos.size(), take, failed));
  const auto refused_count = static_cast<int64_t>(photos.size()) - outcomes.taken_count;
  return json_response(200, json::object{{"taken_count", outcomes.taken_count},
                                         {"refused_count", refused_count},
                                         {"results", std::move(outcomes.results)}});
}

Result<Response> get_photo(const Call& call) {
  return json_response(200, to_json(TRY(photo_of(call))));
}

Result<Response> delete_photo(const Call& call) {
  const auto photo = TRY(photo_of(call));
  TRY(call.services.recognition.delete_photo(call.user(), photo.gallery_id, photo.id));
  return no_content();
}

Result<Response> get_photo_image(const Call& call) {
  const auto photo = TRY(photo_of(call));
  auto file = TRY(file_of(call, photo));
  const std::string_view media_type = photo_media_type(file);
  return Response{
      .headers = {{"Content-Type", std::string(media_type)}, {"Content-Disposition", "inline"}},
      .body = std::move(file)};
}

Result<Response> get_photo_crop(const Call& call) {
  const auto photo = TRY(photo_of(call));
  // The browser keeps it, no proxy does, and each time it asks whether it may still show it: a list
  // of people would otherwise decode a photo of each at every visit.
  const std::string etag = crop_etag(photo);
  Response response{.headers = {{"Cache-Control", "private, no-cache"}, {"ETag", etag}}};
  if (call.head.headers.find("If-None-Match") == etag) {
    response.status = 304;
    return response;
  }
  const auto file = TRY(file_of(call, photo));
  const image::Photo decoded =
      TRY(call.services.recognition.decode({std::span<const std::byte>(file), call.abandoned}));
  response.headers.add("Content-Type", "image/jpeg");
  response.body = TRY(face_crop_jpeg(decoded, photo.face.box));
  return response;
}

}  // namespace faceforge::http
