#include "recognition/identify.h"

#include <algorithm>

#include "recognition/internal/one_model.h"
#include "recognition/photo_faces.h"

namespace faceforge::recognition {
namespace {

Result<void> check(const gallery::Snapshot& snapshot, const FaceEngine& engine,
                   const IdentifyOptions& options) {
  if (options.candidate_count < 1 || options.candidate_count > gallery::Snapshot::kMaxCandidates) {
    return fail(ErrorCode::InvalidInput, "candidate_count",
                "{} candidates are asked for; 1 to {} can be", options.candidate_count,
                gallery::Snapshot::kMaxCandidates);
  }
  return internal::require_one_model(snapshot, engine);
}

}  // namespace

Result<void> internal::require_one_model(const gallery::Snapshot& snapshot,
                                         const FaceEngine& engine) {
  if (snapshot.model_id() == engine.model_id()) return {};
  return fail(ErrorCode::Conflict, "model_mismatch",
              "the gallery was trained with model {:.12} (pack {}), but model {:.12} (pack {}) "
              "is in use: train it again, or use that pack",
              snapshot.model_id().hex(), snapshot.pack_id(), engine.model_id().hex(),
              engine.pack_id());
}

Result<gallery::MatchPolicy> internal::policy_of(const gallery::Snapshot& snapshot,
                                                 const FaceEngine& engine,
                                                 const gallery::MatchRates& rates) {
  return gallery::MatchPolicy::create(snapshot.calibration_beside(engine.calibration()), rates);
}

Result<IdentifyReport> identify(std::span<const std::byte> file, const gallery::Snapshot& snapshot,
                                const FaceEngine& engine, const gallery::MatchPolicy& policy,
                                const IdentifyOptions& options) {
  TRY(check(snapshot, engine, options));
  const PhotoFaces photo = TRY(embed(engine, file));
  const size_t person_count = snapshot.person_count();
  IdentifyReport report{
      .width_px = photo.width_px,
      .height_px = photo.height_px,
      .model_id = engine.model_id(),
      .person_count = person_count,
      .false_positive_identification_rate = gallery::false_positive_identification_rate_of(
          policy.identification_threshold(person_count).false_match_rate, person_count)};
  for (const PhotoFace& face : photo.faces) {
    IdentifiedFace found{.face = face.face, .quality = face.quality};
    found.too_small = std::min(face.face.box.width, face.face.box.height) < options.min_face_px;
    if (!found.too_small) {
      const size_t count = std::max(options.candidate_count, internal::kDecisiveCandidates);
      found.candidates = TRY(snapshot.nearest(face.embedding, count));
    }
    found.decision = gallery::decide(found.candidates, policy, person_count);
    found.candidates.resize(std::min(found.candidates.size(), options.candidate_count));
    report.faces.push_back(std::move(found));
  }
  return report;
}

}  // namespace faceforge::recognition
