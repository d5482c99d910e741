#include "http/to_json.h"

#include <optional>
#include <span>

#include "base/clock.h"
#include "http/error_response.h"
#include "packs/card.h"
#include "recognition/report_json.h"

namespace faceforge::http {
namespace {

json::value time_or_null(std::optional<UnixTime_ms> time_ms) {
  return time_ms ? json::value(to_rfc3339(*time_ms)) : json::value(nullptr);
}

json::value error_or_null(const std::optional<Error>& error) {
  return error ? json::value(to_json(*error)) : json::value(nullptr);
}

/// What is wrong with a pack names its files: only the command line tells that.
json::value fault_or_null(const std::optional<Error>& fault) {
  if (!fault) return nullptr;
  return to_json(Error{fault->code, fault->reason,
                       "this pack cannot be used; `faceforge packs list` on the server says why"});
}

json::value quantization_or_null(const packs::Card& card) {
  if (!card.quantization) return nullptr;
  return json::object{{"parent_id", card.quantization->parent_id},
                      {"parent_model_id", card.quantization->parent_model_id.hex()},
                      {"mean_cosine", card.quantization->mean_cosine}};
}

json::array to_json(accounts::Scopes scopes) {
  json::array names;
  for (const auto scope :
       {accounts::Scope::Read, accounts::Scope::Recognize, accounts::Scope::Manage}) {
    if (scopes.has(scope)) names.emplace_back(accounts::to_string(scope));
  }
  return names;
}

json::object to_json(const gallery::VersionPhoto& photo) {
  return {{"id", photo.id.value()},
          {"file_name", photo.file_name},
          {"standing", gallery::to_string(photo.standing)},
          {"similarity", photo.similarity ? json::number(*photo.similarity) : nullptr}};
}

json::object to_json(const gallery::VersionPerson& person) {
  json::array photos;
  for (const auto& photo : person.photos) photos.emplace_back(to_json(photo));
  return {{"id", person.id.value()},
          {"name", person.name},
          {"photo_count", person.photo_count},
          {"spread", json::number(person.spread)},
          {"photos", std::move(photos)}};
}

}  // namespace

json::object to_json(const accounts::User& user) {
  return {{"id", user.id.value()},
          {"name", user.name},
          {"role", accounts::to_string(user.role)},
          {"created_at", to_rfc3339(user.created_at_ms)}};
}

json::object to_json(const accounts::ApiKeyInfo& key) {
  return {{"id", key.id.value()},
          {"name", key.label},
          {"scopes", to_json(key.scopes)},
          {"created_at", to_rfc3339(key.created_at_ms)},
          {"last_used_at", time_or_null(key.last_used_at_ms)}};
}

json::object to_json(const accounts::SessionInfo& session) {
  return {{"id", session.id.value()},
          {"created_at", to_rfc3339(session.created_at_ms)},
          {"last_seen_at", to_rfc3339(session.last_seen_at_ms)},
          {"address", session.address},
          {"user_agent", session.user_agent}};
}

json::object to_json(const gallery::Gallery& gallery, const recognition::Recognition& recognition) {
  json::value answered_by = nullptr;
  if (gallery.version_in_use) {
    answered_by = json::object{{"pack_id", gallery.pack_id},
                               {"model_id", gallery.model_id.hex()},
                               {"is_former", gallery.model_id != recognition.engine()->model_id()},
                               {"is_chosen", gallery.is_version_chosen}};
  }
  const auto number = [](std::optional<int64_t> version) {
    return version ? json::value(*version) : json::value(nullptr);
  };
  return {{"id", gallery.id.value()},
          {"name", gallery.name},
          {"created_at", to_rfc3339(gallery.created_ms)},
          {"person_count", gallery.person_count},
          {"photo_count", gallery.photo_count},
          {"latest_version", number(gallery.latest_version)},
          {"trained_at", time_or_null(gallery.trained_ms)},
          {"untrained_photo_count", gallery.untrained_photo_count},
          {"version_in_use", number(gallery.version_in_use)},
          {"answered_by", std::move(answered_by)},
          {"revision", gallery.revision},
          {"recording", json::object{{"is_on", gallery.recording.is_on},
                                     {"kept_days", gallery.recording.kept_days}}},
          {"sighting_count", gallery.sighting_count},
          {"unknown_face_count", gallery.unknown_face_count}};
}

json::object to_json(const gallery::Person& person) {
  return {{"id", person.id.value()},
          {"name", person.name},
          {"created_at", to_rfc3339(person.created_ms)},
          {"photo_count", person.photo_count},
          {"cover_photo_id",
           person.cover_photo_id ? json::value(person.cover_photo_id->value()) : nullptr},
          {"is_trained", person.is_trained}};
}

json::object to_json(const gallery::Sighting& sighting) {
  const auto& cover = sighting.person.cover_photo_id;
  return {{"id", sighting.id.value()},
          {"person_id", sighting.person.id.value()},
          {"person", sighting.person.name},
          {"cover_photo_id", cover ? json::value(cover->value()) : nullptr},
          {"first_seen_at", to_rfc3339(sighting.seen.first_seen_ms)},
          {"last_seen_at", to_rfc3339(sighting.seen.last_seen_ms)},
          {"similarity", json::number(sighting.seen.similarity)},
          {"look_count", sighting.seen.look_count}};
}

json::object to_json(const gallery::UnknownFace& face) {
  return {{"id", face.id.value()},
          {"width_px", face.width_px},
          {"height_px", face.height_px},
          {"face_size_px", json::number(face.quality.face_size_px)},
          {"first_seen_at", to_rfc3339(face.first_seen_ms)},
          {"last_seen_at", to_rfc3339(face.last_seen_ms)},
          {"look_count", face.look_count}};
}

json::object to_json(const recognition::UnknownFaces& faces) {
  json::array groups;
  for (const recognition::UnknownGroup& group : faces) {
    json::array members;
    for (const gallery::UnknownFace& face : group.faces) members.emplace_back(to_json(face));
    json::value threshold = nullptr;
    if (group.match_threshold) threshold = json::number(group.match_threshold->similarity);
    groups.emplace_back(json::object{{"model_id", group.faces.front().embedding.model_id.hex()},
                                     {"match_threshold", std::move(threshold)},
                                     {"faces", std::move(members)}});
  }
  return {{"groups", std::move(groups)}};
}

json::object to_json(const face::DetectedFace& face) {
  return {{"box", recognition::to_json(face.box)},
          {"detection_score", json::number(face.detection_score)},
          {"landmarks", recognition::to_json(face.landmarks)}};
}

json::object to_json(const gallery::Photo& photo) {
  json::object face = to_json(photo.face);
  face["quality"] = recognition::to_json(photo.quality);
  return {{"id", photo.id.value()},         {"person_id", photo.person_id.value()},
          {"file_name", photo.file_name},   {"created_at", to_rfc3339(photo.added_ms)},
          {"width_px", photo.width_px},     {"height_px", photo.height_px},
          {"file_bytes", photo.file_bytes}, {"file_missing", photo.file_missing},
          {"face", std::move(face)}};
}

json::object to_json(const gallery::Version& version) {
  json::value trial = nullptr;
  if (version.head_trial) trial = gallery::to_json(*version.head_trial);
  return {{"number", version.number},
          {"trained_at", to_rfc3339(version.trained_ms)},
          {"person_count", version.person_count},
          {"photo_count", version.photo_count},
          {"flagged_count", version.flagged_count},
          {"unusable_count", version.unusable_count},
          {"pack_id", version.pack_id},
          {"model_id", version.model_id.hex()},
          {"has_head", version.has_head},
          {"head_trial", std::move(trial)}};
}

json::object to_json(const gallery::VersionReport& report) {
  json::array people;
  for (const auto& person : report.people) people.emplace_back(to_json(person));
  json::object written = to_json(report.version);
  written["people"] = std::move(people);
  return written;
}

json::object to_json(const recognition::VersionCheck& checked) {
  const gallery::Snapshot& snapshot = *checked.snapshot;
  const auto person = [&](size_t index) {
    return snapshot.person_id(index).value_or(gallery::PersonId()).value();
  };
  json::array photos;
  for (const gallery::CheckedPhoto& photo : checked.check.photos) {
    const auto photo_id = snapshot.photo_id(photo.person_index, photo.reference_index);
    json::object written{{"photo_id", photo_id.value_or(gallery::PhotoId()).value()},
                         {"person_id", person(photo.person_index)},
                         {"similarity", json::number(photo.own_similarity)},
                         {"nearest_other", nullptr}};
    if (photo.other_person_index) {
      written["nearest_other"] = json::object{{"person_id", person(*photo.other_person_index)},
                                              {"similarity", json::number(photo.other_similarity)}};
    }
    photos.emplace_back(std::move(written));
  }
  json::array look_alikes;
  for (const gallery::LookAlike& pair : checked.check.look_alikes) {
    look_alikes.emplace_back(json::object{{"person_id", person(pair.person_index)},
                                          {"other_person_id", person(pair.other_person_index)},
                                          {"similarity", json::number(pair.similarity)}});
  }
  const auto promises = [](std::span<const gallery::PromiseCost> costs, std::string_view rate) {
    json::array written;
    for (const gallery::PromiseCost& promise : costs) {
      written.emplace_back(
          json::object{{rate, promise.rate},
                       {"match_threshold", json::number(promise.match_threshold.similarity)},
                       {"extrapolated", promise.match_threshold.extrapolated},
                       {"missed_photo_count", promise.missed_photo_count}});
    }
    return written;
  };
  return {{"checkable_photo_count", checked.check.checkable_photo_count},
          {"photos", std::move(photos)},
          {"look_alikes", std::move(look_alikes)},
          {"promises", promises(checked.check.promises, "false_positive_identification_rate")},
          {"match_promises", promises(checked.check.match_promises, "false_match_rate")}};
}

json::object to_json(const recognition::PersonTraining& training) {
  json::array photos;
  for (const gallery::VersionPhoto& photo : training.photos) photos.emplace_back(to_json(photo));
  json::array look_alikes;
  for (const gallery::Candidate& other : training.look_alikes) {
    const auto photo = other.reference_photo_id;
    look_alikes.emplace_back(
        json::object{{"person_id", other.person_id.value_or(gallery::PersonId()).value()},
                     {"name", other.person},
                     {"similarity", json::number(other.similarity)},
                     {"photo_id", photo ? json::value(photo->value()) : nullptr}});
  }
  return {{"version", training.version ? json::value(*training.version) : nullptr},
          {"photos", std::move(photos)},
          {"look_alikes", std::move(look_alikes)}};
}

json::object to_json(const jobs::Job& job) {
  return {{"id", job.id.value()},
          {"kind", job.kind},
          {"subject", job.subject ? json::value(*job.subject) : nullptr},
          {"state", jobs::to_string(job.state)},
          {"progress", json::object{{"done", job.progress.done},
                                    {"total", job.progress.total},
                                    {"message", job.progress.message}}},
          {"cancel_requested", job.cancel_requested},
          {"created_at", to_rfc3339(job.created_at_ms)},
          {"started_at", time_or_null(job.started_at_ms)},
          {"finished_at", time_or_null(job.finished_at_ms)},
          {"result", job.result},
          {"error", error_or_null(job.error)}};
}

json::object to_json(const packs::PackEntry& pack, PackUse use) {
  const packs::Card& card = pack.card;
  const auto model = packs::model_id(card);
  return {{"id", card.id},
          {"name", card.name},
          {"licence", json::object{{"label", card.licence.label},
                                   {"kind", packs::to_string(card.licence.kind)}}},
          {"model_id", model ? json::value(model->hex()) : nullptr},
          {"in_use", use == PackUse::InUse},
          {"embedding_length", vision::embedding_length(card.embedders)},
          {"metric", face::to_string(card.metric)},
          {"accuracy",
           card.measured_accuracy ? json::value(card.measured_accuracy->accuracy) : nullptr},
          {"calibrated", card.calibration.has_value()},
          {"quantization", quantization_or_null(card)},
          {"fault", fault_or_null(pack.fault)}};
}

}  // namespace faceforge::http
