#include "gallery/galleries.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/to_json.h"
#include "recognition/recognition.h"
#include "recognition/train_job.h"

namespace faceforge::http {
namespace {

gallery::GalleryId gallery_of(const Call& call) {
  return call.ids.id<gallery::GalleryId>("gallery_id");
}

Result<recognition::HeadWish> head_wish_of(const Query& query) {
  TRY(query.allow({"head"}));
  const std::string_view wish = query.text("head").value_or("false");
  if (wish == "true") return recognition::HeadWish::Try;
  if (wish == "false") return recognition::HeadWish::None;
  return fail(ErrorCode::InvalidInput, "query_parameter_invalid", "head must be true or false");
}

}  // namespace

Result<Response> list_versions(const Call& call) {
  const auto part = TRY(part_of<int64_t>(call.target.query));
  const auto read =
      TRY(call.services.recognition.galleries().list_versions(call.user(), gallery_of(call), part));
  const auto page = page_of(read, part, &gallery::Version::number);
  return json_response(200, page_json("versions", page, [](const gallery::Version& version) {
                         return to_json(version);
                       }));
}

Result<Response> train_gallery(const Call& call) {
  const auto head = TRY(head_wish_of(call.target.query));
  const auto job =
      TRY(recognition::start_training(call.services.jobs, call.services.recognition, call.user(),
                                      gallery_of(call), recognition::TrainingCause::Asked, head));
  Response response = json_response(202, to_json(job));
  response.headers.add("Location", fmt::format("/api/v1/jobs/{}", job.id.value()));
  return response;
}

Result<Response> get_version(const Call& call) {
  const auto report = TRY(call.services.recognition.galleries().report_version(
      call.user(), gallery_of(call), call.ids.at("version")));
  return json_response(200, to_json(report));
}

Result<Response> use_version(const Call& call) {
  const json::object body = TRY(json_body(call, {"number"}));
  const int64_t number = TRY(json::integer_field(body, "number"));
  const auto gallery =
      TRY(call.services.recognition.galleries().use_version(call.user(), gallery_of(call), number));
  return json_response(200, to_json(gallery, call.services.recognition));
}

Result<Response> delete_version(const Call& call) {
  TRY(call.services.recognition.delete_version(call.user(), gallery_of(call),
                                               call.ids.at("version")));
  return no_content();
}

Result<Response> check_version(const Call& call) {
  const auto checked = TRY(call.services.recognition.check_version(
      call.user(), gallery_of(call), call.ids.at("version"), call.abandoned));
  return json_response(200, to_json(checked));
}

Result<Response> get_person_training(const Call& call) {
  const auto training = TRY(call.services.recognition.training_of(
      call.user(), gallery_of(call), call.ids.id<gallery::PersonId>("person_id")));
  return json_response(200, to_json(training));
}

Result<Response> download_model(const Call& call) {
  const int64_t number = call.ids.at("version");
  auto model = TRY(call.services.recognition.export_model(call.user(), gallery_of(call), number));
  // Named by numbers: a gallery's name may hold what file systems and headers do not.
  const std::string disposition = fmt::format("attachment; filename=\"gallery-{}-version-{}.ffg\"",
                                              gallery_of(call).value(), number);
  return Response{
      .headers = {{"Content-Type", "application/zip"}, {"Content-Disposition", disposition}},
      .body = std::move(model)};
}

}  // namespace faceforge::http
