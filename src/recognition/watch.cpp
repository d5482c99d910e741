#include "recognition/watch.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "recognition/internal/face_memory.h"
#include "recognition/internal/glimpse.h"
#include "recognition/internal/one_face.h"
#include "recognition/internal/one_model.h"
#include "recognition/internal/scale_choice.h"
#include "recognition/internal/stable_verdict.h"
#include "recognition/internal/track_records.h"

namespace faceforge::recognition {
namespace {

using internal::Fit;

/// A face that is known is looked at again after this long, and sooner when it shows itself better.
constexpr int64_t kLookAgain_ms = 700;
constexpr float kBetterLook = 1.3F;
/// Crops less alike than this may be of two people: measured in decision 0022.
constexpr float kSameCropLikeness = 0.9F;

class Stopwatch {
 public:
  /// Milliseconds since the last lap.
  float lap_ms() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<float, std::milli>(now - std::exchange(begin_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// What the mean of a track's looks gives, held against a gallery.
struct Opinion {
  gallery::Decision decision{};
  std::vector<gallery::Candidate> candidates{};
};

/// What is remembered of a track.
struct Memory {
  int64_t begun_ms = 0;
  internal::FaceMemory looks{};
  internal::StableVerdict verdict{};
  Opinion latest{};
  Opinion shown{};              ///< the last one that bore out what is shown
  internal::Glimpse glimpse{};  ///< of the crop that was last looked at
  std::optional<int64_t> looked_ms{};
  float best_weight = 0;  ///< of the looks so far

  /// The face may be another's, of whom nothing is known.
  void doubt() {
    verdict.doubt();
    latest = {};
  }
};

/// A face of the present frame.
struct Sight {
  TrackedFace tracked{};
  face::DetectedFace face{};
  face::Quality quality{};
  face::AlignedFace aligned{};
  internal::Glimpse glimpse{};
};

/// Why a face should be looked at, the weightiest first.
enum class Reason { MayBeAnother, Undecided, Again, None };

Reason reason_to_look(const Sight& sight, const Memory& memory, int64_t time_ms) {
  if (!memory.looked_ms || sight.tracked.continuity != Continuity::Followed ||
      sight.glimpse.likeness(memory.glimpse) < kSameCropLikeness) {
    return Reason::MayBeAnother;
  }
  if (!memory.verdict.is_settled()) return Reason::Undecided;
  const bool is_better = internal::weight_of(sight.quality) > kBetterLook * memory.best_weight;
  return is_better || time_ms - *memory.looked_ms >= kLookAgain_ms ? Reason::Again : Reason::None;
}

/// From similarities to the mean of the looks to the mean similarity of the looks.
void bring_to_looks(gallery::Candidate& candidate, const internal::FaceMemory& looks) {
  candidate.similarity = looks.similarity_of_looks(candidate.similarity);
  if (!candidate.reference_similarity) return;
  candidate.reference_similarity = looks.similarity_of_looks(*candidate.reference_similarity);
}

}  // namespace

struct Watch::Parts {
  /// Whom the faces are held against, and how.
  struct Against {
    const gallery::Snapshot& snapshot;
    const FaceEngine& engine;
    const gallery::MatchPolicy& policy;
    const WatchOptions& options;
    int64_t time_ms = 0;
    const image::Photo& frame;
  };

  void begin(const std::shared_ptr<const gallery::Snapshot>& present);
  Result<std::vector<Sight>> follow(const image::Photo& photo, FrameFaces found,
                                    const Against& against);
  std::vector<size_t> choose(const std::vector<Sight>& sights, const Against& against);
  Result<void> remember(Sight& sight, const face::Embedding& embedding, const Against& against);
  void record(const Sight& sight, const face::Embedding& embedding, const Against& against);
  WatchedFace report(Sight sight, const Against& against) const;

  internal::ScaleChoice scales;
  Tracker tracker;
  std::unordered_map<TrackId, Memory> memories;
  internal::TrackRecords records;
  std::optional<int64_t> recorded_from_ms;  ///< the first frame since nothing was recorded
  /// The one before, to be known again; not held, or whoever was deleted would stay in memory until
  /// the next frame.
  std::weak_ptr<const gallery::Snapshot> snapshot;
  face::ModelId space_id;  ///< that the looks are in
};

Watch::Watch() : parts_(std::make_unique<Parts>()) {}
Watch::~Watch() = default;
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;

Result<WatchReport> Watch::look(std::span<const std::byte> frame, int64_t time_ms,
                                const std::shared_ptr<const gallery::Snapshot>& snapshot,
                                const FaceEngine& engine, const gallery::MatchPolicy& policy,
                                const WatchOptions& options) {
  TRY(internal::require_one_model(*snapshot, engine));
  Stopwatch stopwatch;
  StageTimes times;
  const image::Photo photo = TRY(engine.decode_frame(frame));
  times.decode_ms = stopwatch.lap_ms();
  FrameFaces found = TRY(engine.detect_in_frame(photo, parts_->scales.next(time_ms)));
  parts_->scales.saw(found, photo, time_ms);
  times.detect_ms = stopwatch.lap_ms();
  const Parts::Against against{*snapshot, engine, policy, options, time_ms, photo};
  parts_->begin(snapshot);
  if (options.recording == TrackRecording::Off) forget_records();
  if (options.recording == TrackRecording::On && !parts_->recorded_from_ms) {
    parts_->recorded_from_ms = time_ms;
  }
  std::vector<Sight> sights = TRY(parts_->follow(photo, std::move(found), against));
  const std::vector<size_t> chosen = parts_->choose(sights, against);
  std::vector<face::AlignedFace> aligned;
  for (const size_t index : chosen) aligned.push_back(std::move(sights[index].aligned));
  const auto embeddings = TRY(engine.embed(aligned));
  times.embed_ms = stopwatch.lap_ms();
  for (size_t look = 0; look < chosen.size(); ++look) {
    TRY(parts_->remember(sights[chosen[look]], embeddings[look], against));
  }
  const size_t person_count = snapshot->person_count();
  const auto threshold = policy.identification_threshold(person_count);
  WatchReport report{
      .width_px = photo.width_px,
      .height_px = photo.height_px,
      .model_id = engine.model_id(),
      .person_count = person_count,
      .match_threshold = threshold,
      .false_positive_identification_rate =
          gallery::false_positive_identification_rate_of(threshold.false_match_rate, person_count),
      .look_count = chosen.size()};
  for (Sight& sight : sights) report.faces.push_back(parts_->report(std::move(sight), against));
  report.records = parts_->records.take();
  times.search_ms = stopwatch.lap_ms();
  report.times = times;
  return report;
}

void Watch::forget_records() {
  parts_->records.forget();
  parts_->recorded_from_ms.reset();
}

std::vector<TrackRecord> Watch::finish() {
  parts_->records.end_all();
  return parts_->records.take();
}

/// What was found out with another model, or in another gallery, means nothing.
void Watch::Parts::begin(const std::shared_ptr<const gallery::Snapshot>& present) {
  if (space_id != present->space_id()) {
    memories.clear();
    records.end_all();
  }
  space_id = present->space_id();
  if (snapshot.lock() == present) return;
  snapshot = present;
  for (auto& [track, memory] : memories) {
    memory.verdict.forget();
    memory.latest = {};
    memory.shown = {};
  }
}

/// out: the faces that tracks have in this frame; one that cannot be aligned is left out
Result<std::vector<Sight>> Watch::Parts::follow(const image::Photo& photo, FrameFaces found,
                                                const Against& against) {
  TrackerUpdate update = tracker.update(against.time_ms, found);
  for (const TrackId ended : update.ended) {
    memories.erase(ended);
    records.end(ended);
  }
  std::vector<Sight> sights;
  for (const TrackedFace& tracked : update.faces) {
    const size_t sure_count = found.sure.size();
    auto& face = tracked.face_index < sure_count ? found.sure[tracked.face_index]
                                                 : found.doubtful[tracked.face_index - sure_count];
    memories.try_emplace(tracked.track, Memory{.begun_ms = against.time_ms});
    auto aligned = against.engine.align(photo, face);
    if (!aligned && aligned.error().code == ErrorCode::InvalidInput) continue;
    if (!aligned) return Unexpected(std::move(aligned).error());
    Sight sight{.tracked = tracked, .face = std::move(face)};
    sight.quality = against.engine.quality(photo, sight.face, *aligned);
    sight.glimpse = internal::Glimpse(aligned->crops.front().pixels);
    sight.aligned = std::move(*aligned);
    sights.push_back(std::move(sight));
  }
  return sights;
}

/// Chooses the faces to be embedded. Whoever may be another face and is not looked at is named no
/// more.
std::vector<size_t> Watch::Parts::choose(const std::vector<Sight>& sights, const Against& against) {
  using Wish = std::tuple<Reason, int64_t, size_t>;
  std::vector<Wish> wishes;
  for (size_t index = 0; index < sights.size(); ++index) {
    const Memory& memory = memories.at(sights[index].tracked.track);
    const Reason reason = reason_to_look(sights[index], memory, against.time_ms);
    if (reason == Reason::None) continue;
    wishes.emplace_back(reason, memory.looked_ms.value_or(memory.begun_ms), index);
  }
  std::ranges::sort(wishes);
  std::vector<size_t> chosen;
  for (const auto& [reason, looked_ms, index] : wishes) {
    const Sight& sight = sights[index];
    const bool can_be_told = internal::face_size_px(sight.face) >= against.options.min_face_px;
    if (can_be_told && chosen.size() < kLooksPerFrame) {
      chosen.push_back(index);
    } else if (reason == Reason::MayBeAnother) {
      memories.at(sight.tracked.track).doubt();
    }
  }
  return chosen;
}

/// Adds a look to what is known of its track, and finds who that is now.
Result<void> Watch::Parts::remember(Sight& sight, const face::Embedding& embedding,
                                    const Against& against) {
  Memory& memory = memories.at(sight.tracked.track);
  const float weight = internal::weight_of(sight.quality);
  const auto in_space = TRY(against.snapshot.in_space(embedding));
  const Fit fit =
      memory.looks.add(in_space, weight, against.policy.verification_threshold().similarity);
  memory.looked_ms = against.time_ms;
  memory.glimpse = sight.glimpse;
  memory.best_weight = std::max(memory.best_weight, weight);
  if (fit == Fit::Doubtful) {
    memory.doubt();
    return {};
  }
  if (fit == Fit::Another) {
    records.end(sight.tracked.track);
    auto node = memories.extract(sight.tracked.track);
    sight.tracked.track = tracker.renumber(sight.tracked.track);
    node.key() = sight.tracked.track;
    node.mapped().verdict.forget();
    node.mapped().begun_ms = against.time_ms;
    node.mapped().best_weight = weight;
    memories.insert(std::move(node));
  }
  Memory& known = memories.at(sight.tracked.track);
  size_t count = std::max(against.options.candidate_count, internal::kDecisiveCandidates);
  auto candidates = TRY(against.snapshot.nearest(known.looks.mean(), count));
  for (gallery::Candidate& candidate : candidates) bring_to_looks(candidate, known.looks);
  const auto decision =
      gallery::decide(candidates, against.policy, against.snapshot.person_count());
  const internal::Finding finding = internal::finding_of(decision, candidates);
  count = std::min(candidates.size(), against.options.candidate_count);
  candidates.resize(count);
  known.latest = {decision, std::move(candidates)};
  known.verdict.add(finding);
  if (known.verdict.shown() == finding) known.shown = known.latest;
  if (against.options.recording == TrackRecording::On) record(sight, embedding, against);
  return {};
}

/// Tells the recording of a look that was remembered.
void Watch::Parts::record(const Sight& sight, const face::Embedding& embedding,
                          const Against& against) {
  const Memory& memory = memories.at(sight.tracked.track);
  const auto& candidates = memory.shown.candidates;
  records.look(sight.tracked.track,
               {.frame = against.frame,
                .face = sight.face,
                .quality = sight.quality,
                .embedding = embedding,
                .begun_ms = std::max(memory.begun_ms, *recorded_from_ms),
                .time_ms = against.time_ms,
                .shown = memory.verdict.shown(),
                .similarity = candidates.empty() ? 0 : candidates.front().similarity},
               against.options.min_kept_face_px);
}

WatchedFace Watch::Parts::report(Sight sight, const Against& against) const {
  const Memory& memory = memories.at(sight.tracked.track);
  WatchedFace face{.track = sight.tracked.track,
                   .seen_for_ms = against.time_ms - memory.begun_ms,
                   .face = std::move(sight.face),
                   .velocity = sight.tracked.velocity,
                   .quality = sight.quality};
  face.too_small = internal::face_size_px(face.face) < against.options.min_face_px;
  if (memory.verdict.shown()) {
    face.decision = memory.shown.decision;
    face.candidates = memory.shown.candidates;
    return face;
  }
  face.candidates = memory.latest.candidates;
  if (face.too_small) {
    face.decision = gallery::decide({}, against.policy, against.snapshot.person_count());
  }
  return face;
}

}  // namespace faceforge::recognition
