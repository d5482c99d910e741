#include "recognition/report_json.h"

namespace faceforge::recognition {
namespace {

json::value number_or_null(const std::optional<float>& number) {
  return number ? json::number(*number) : json::value(nullptr);
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

json::object face_json(const face::DetectedFace& face, const face::Quality& quality) {
  return {{"box", to_json(face.box)},
          {"detection_score", json::number(face.detection_score)},
          {"landmarks", to_json(face.landmarks)},
          {"quality", to_json(quality)}};
}

json::object chosen_json(const ChosenFace& chosen) {
  json::object json = face_json(chosen.face, chosen.quality);
  json["width_px"] = chosen.width_px;
  json["height_px"] = chosen.height_px;
  return json;
}

void add_reference(json::object& json, const gallery::Candidate& candidate) {
  json["reference"] = text_or_null(candidate.reference);
  json["reference_similarity"] = number_or_null(candidate.reference_similarity);
  if (candidate.person_id) json["person_id"] = candidate.person_id->value();
  if (candidate.reference_photo_id) {
    json["reference_photo_id"] = candidate.reference_photo_id->value();
  }
}

json::object candidate_json(const gallery::Candidate& candidate) {
  json::object json{{"person", candidate.person},
                    {"similarity", json::number(candidate.similarity)}};
  add_reference(json, candidate);
  return json;
}

void add_threshold(json::object& json, const gallery::MatchThreshold& threshold) {
  json["match_threshold"] = json::number(threshold.similarity);
  json["false_match_rate"] = threshold.false_match_rate;
  json["extrapolated"] = threshold.extrapolated;
}

/// Who may be seen: a name for a match only, the nearest's similarity, the candidates.
void add_candidates(json::object& json, std::span<const gallery::Candidate> candidates,
                    bool is_match) {
  json["person"] = is_match ? json::value(candidates.front().person) : json::value(nullptr);
  json["similarity"] =
      candidates.empty() ? json::value(nullptr) : json::number(candidates.front().similarity);
  json::array all;
  for (const auto& candidate : candidates) all.push_back(candidate_json(candidate));
  json["candidates"] = std::move(all);
}

std::string_view one_to_one(gallery::Verdict verdict) {
  return verdict == gallery::Verdict::Match ? "match" : "no_match";
}

json::object identified_json(const IdentifiedFace& face) {
  json::object json = face_json(face.face, face.quality);
  json["decision"] = gallery::to_string(face.decision.verdict);
  add_threshold(json, face.decision.match_threshold);
  json["too_small"] = face.too_small;
  add_candidates(json, face.candidates, face.decision.verdict == gallery::Verdict::Match);
  return json;
}

json::object watched_json(const WatchedFace& face) {
  json::object json = face_json(face.face, face.quality);
  json["track_id"] = face.track.value();
  json["seen_for_ms"] = face.seen_for_ms;
  json["velocity"] = json::object{{"x", json::number(face.velocity.x)},
                                  {"y", json::number(face.velocity.y)},
                                  {"width", json::number(face.velocity.width)},
                                  {"height", json::number(face.velocity.height)}};
  json["too_small"] = face.too_small;
  json["decision"] = face.decision ? gallery::to_string(face.decision->verdict) : "undecided";
  add_candidates(json, face.candidates,
                 face.decision && face.decision->verdict == gallery::Verdict::Match);
  return json;
}

}  // namespace

json::object to_json(const face::BoundingBox& box) {
  return {{"x", json::number(box.x)},
          {"y", json::number(box.y)},
          {"width", json::number(box.width)},
          {"height", json::number(box.height)}};
}

json::object to_json(const face::Quality& quality) {
  return {{"face_size_px", json::number(quality.face_size_px)},
          {"sharpness", json::number(quality.sharpness)},
          {"brightness", json::number(quality.brightness)},
          {"yaw_deg", json::number(quality.yaw_deg)},
          {"pitch_deg", json::number(quality.pitch_deg)},
          {"roll_deg", json::number(quality.roll_deg)}};
}

json::array to_json(const face::Landmarks& landmarks) {
  json::array points;
  for (const face::Point& point : landmarks) {
    points.push_back(json::array{json::number(point.x), json::number(point.y)});
  }
  return points;
}

json::object to_json(const PhotoFaces& photo, EmbeddingsInJson embeddings) {
  json::array faces;
  for (const PhotoFace& face : photo.faces) {
    json::object json = face_json(face.face, face.quality);
    if (embeddings == EmbeddingsInJson::Included) {
      json::array values;
      values.reserve(face.embedding.values.size());
      for (const float value : face.embedding.values) values.push_back(json::number(value));
      json["embedding"] = std::move(values);
      json["model_id"] = face.embedding.model_id.hex();
    }
    faces.push_back(std::move(json));
  }
  return {
      {"width_px", photo.width_px}, {"height_px", photo.height_px}, {"faces", std::move(faces)}};
}

json::object to_json(const IdentifyReport& report) {
  json::array faces;
  for (const IdentifiedFace& face : report.faces) faces.push_back(identified_json(face));
  return {{"width_px", report.width_px},
          {"height_px", report.height_px},
          {"model_id", report.model_id.hex()},
          {"person_count", report.person_count},
          {"false_positive_identification_rate", report.false_positive_identification_rate},
          {"faces", std::move(faces)}};
}

json::object to_json(const VerifyReport& report) {
  json::object json{{"person", report.candidate.person},
                    {"similarity", json::number(report.candidate.similarity)},
                    {"decision", one_to_one(report.decision.verdict)}};
  add_threshold(json, report.decision.match_threshold);
  json["stranger_rate"] = report.stranger_rate;
  json["model_id"] = report.model_id.hex();
  add_reference(json, report.candidate);
  json["face"] = chosen_json(report.probe);
  return json;
}

json::object to_json(const CompareReport& report) {
  json::object json{{"similarity", json::number(report.similarity)},
                    {"decision", one_to_one(report.decision.verdict)}};
  add_threshold(json, report.decision.match_threshold);
  json["model_id"] = report.model_id.hex();
  json["faces"] = json::array{chosen_json(report.first), chosen_json(report.second)};
  return json;
}

json::object to_json(const WatchReport& report) {
  json::array faces;
  for (const WatchedFace& face : report.faces) faces.push_back(watched_json(face));
  json::object json{
      {"width_px", report.width_px},
      {"height_px", report.height_px},
      {"model_id", report.model_id.hex()},
      {"person_count", report.person_count},
      {"false_positive_identification_rate", report.false_positive_identification_rate},
      {"faces", std::move(faces)},
      {"look_count", report.look_count},
      {"times", json::object{{"decode_ms", json::number(report.times.decode_ms)},
                             {"detect_ms", json::number(report.times.detect_ms)},
                             {"embed_ms", json::number(report.times.embed_ms)},
                             {"search_ms", json::number(report.times.search_ms)}}}};
  add_threshold(json, report.match_threshold);
  return json;
}

}  // namespace faceforge::recognition
