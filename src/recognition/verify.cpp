#include "recognition/verify.h"

#include <utility>

#include "recognition/internal/one_face.h"

namespace faceforge::recognition {
namespace {

struct Probe {
  ChosenFace face{};
  face::Embedding embedding{};
};

Result<Probe> look(std::span<const std::byte> file, const FaceEngine& engine,
                   const VerifyOptions& options) {
  auto found =
      TRY(internal::look_for_one_face(engine, file, options.wanted_face, options.min_face_px));
  PhotoFace chosen = TRY(std::move(found.chosen));
  return Probe{.face = {.width_px = found.width_px,
                        .height_px = found.height_px,
                        .face = std::move(chosen.face),
                        .quality = chosen.quality},
               .embedding = std::move(chosen.embedding)};
}

/// Says which of two photos an error is about.
Result<Probe> look_as(std::string_view which, std::span<const std::byte> file,
                      const FaceEngine& engine, const VerifyOptions& options) {
  auto probe = look(file, engine, options);
  if (!probe) probe.error().message = fmt::format("{} photo: {}", which, probe.error().message);
  return probe;
}

}  // namespace

Result<VerifyReport> verify(std::span<const std::byte> file,
                            const std::variant<gallery::PersonId, std::string>& person,
                            const gallery::Snapshot& snapshot, const FaceEngine& engine,
                            const gallery::MatchPolicy& policy, const VerifyOptions& options) {
  Probe probe = TRY(look(file, engine, options));
  gallery::Candidate candidate = TRY(std::visit(
      [&](const auto& named) { return snapshot.compare(probe.embedding, named); }, person));
  const float similarity = candidate.similarity;
  const gallery::Decision decision = gallery::decide(similarity, policy);
  return VerifyReport{.probe = std::move(probe.face),
                      .candidate = std::move(candidate),
                      .decision = decision,
                      .stranger_rate = policy.stranger_rate(similarity),
                      .model_id = engine.model_id()};
}

Result<CompareReport> compare(std::span<const std::byte> first, std::span<const std::byte> second,
                              const FaceEngine& engine, const gallery::MatchPolicy& policy,
                              const VerifyOptions& options) {
  Probe one = TRY(look_as("first", first, engine, options));
  Probe other = TRY(look_as("second", second, engine, options));
  const float similarity = TRY(face::similarity(one.embedding, other.embedding));
  return CompareReport{.first = std::move(one.face),
                       .second = std::move(other.face),
                       .similarity = similarity,
                       .decision = gallery::decide(similarity, policy),
                       .model_id = engine.model_id()};
}

}  // namespace faceforge::recognition
