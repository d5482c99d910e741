#include <algorithm>
#include <cmath>
#include <vector>

#include "face/bounding_box.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "recognition/recognition.h"
#include "recognition/report_json.h"

namespace faceforge::http {
namespace {

gallery::GalleryId gallery_of(const Call& call) {
  return call.ids.id<gallery::GalleryId>("gallery_id");
}

constexpr int64_t kMaxId = INT64_MAX;

/// The rates that the query promises; the usual ones where it is silent.
Result<gallery::MatchRates> rates_of(const Query& query) {
  gallery::MatchRates rates;
  if (const auto rate = TRY(query.number("false_match_rate"))) rates.false_match_rate = *rate;
  if (const auto rate = TRY(query.number("false_positive_identification_rate"))) {
    rates.false_positive_identification_rate = *rate;
  }
  return rates;
}

/// Far beyond the side of any photo that is decoded.
constexpr double kMaxCoordinate_px = 1e6;

Result<face::BoundingBox> box_from(const std::vector<double>& numbers) {
  const bool is_near = std::ranges::all_of(
      numbers, [](double number) { return std::abs(number) <= kMaxCoordinate_px; });
  if (!is_near || numbers[2] <= 0 || numbers[3] <= 0) {
    return fail(ErrorCode::InvalidInput, "query_parameter_invalid",
                "face_box must be x,y,width,height in pixels, each within {:.0f}, with a width and "
                "a height above 0",
                kMaxCoordinate_px);
  }
  const auto at = [&](size_t index) { return static_cast<float>(numbers[index]); };
  return face::BoundingBox{.x = at(0), .y = at(1), .width = at(2), .height = at(3)};
}

/// The face that `face_box` or `face` of the query means.
Result<recognition::WantedFace> wanted_face_of(const Query& query) {
  const auto box = TRY(query.numbers("face_box", 4));
  if (box && query.text("face")) {
    return fail(ErrorCode::InvalidInput, "query_parameter_invalid",
                "face and face_box both say which face is meant; give one of them");
  }
  if (box) return box_from(*box);
  const std::string_view choice = query.text("face").value_or("only");
  if (choice == "only") return recognition::FaceChoice::OnlyFace;
  if (choice == "largest") return recognition::FaceChoice::Largest;
  return fail(ErrorCode::InvalidInput, "query_parameter_invalid", "face must be only or largest");
}

Result<recognition::Upload> photo_of(const Call& call) {
  const auto photos = TRY(one_photo_each(call, {"photo"}));
  return recognition::Upload(photos.front().bytes, call.abandoned);
}

}  // namespace

Result<Response> verify(const Call& call) {
  const Query& query = call.target.query;
  TRY(query.allow({"person_id", "version", "false_match_rate", "face", "face_box"}));
  const auto person = TRY(query.integer("person_id", 1, kMaxId));
  if (!person) {
    return fail(ErrorCode::InvalidInput, "query_parameter_missing", "person_id is missing");
  }
  const auto version = TRY(query.integer("version", 1, kMaxId));
  const auto rates = TRY(rates_of(query));
  const auto wanted_face = TRY(wanted_face_of(query));
  const auto photo = TRY(photo_of(call));
  const auto report = TRY(call.services.recognition.verify(call.user(), gallery_of(call),
                                                           gallery::PersonId(*person), photo, rates,
                                                           wanted_face, version));
  return json_response(200, recognition::to_json(report));
}

Result<Response> identify(const Call& call) {
  const Query& query = call.target.query;
  TRY(query.allow({"version", "false_positive_identification_rate", "candidate_count"}));
  const auto version = TRY(query.integer("version", 1, kMaxId));
  const auto rates = TRY(rates_of(query));
  const auto candidate_count =
      TRY(query.integer("candidate_count", 1, gallery::Snapshot::kMaxCandidates)).value_or(5);
  const auto photo = TRY(photo_of(call));
  const auto report = TRY(call.services.recognition.identify(
      call.user(), gallery_of(call), photo, rates, static_cast<size_t>(candidate_count), version));
  return json_response(200, recognition::to_json(report));
}

Result<Response> detect(const Call& call) {
  TRY(call.target.query.allow({}));
  const auto photo = TRY(photo_of(call));
  const auto faces = TRY(call.services.recognition.detect(photo));
  return json_response(200, recognition::to_json(faces, recognition::EmbeddingsInJson::LeftOut));
}

Result<Response> compare(const Call& call) {
  const Query& query = call.target.query;
  TRY(query.allow({"false_match_rate", "face"}));
  const auto rates = TRY(rates_of(query));
  const auto wanted_face = TRY(wanted_face_of(query));
  const auto photos = TRY(one_photo_each(call, {"photo_a", "photo_b"}));
  const auto report = TRY(call.services.recognition.compare({photos[0].bytes, call.abandoned},
                                                            photos[1].bytes, rates, wanted_face));
  return json_response(200, recognition::to_json(report));
}

}  // namespace faceforge::http
