#include "recognition/recognition.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "gallery/model_file.h"
#include "gallery/name.h"
#include "recognition/internal/gallery_trainer.h"
#include "recognition/internal/model_engines.h"
#include "recognition/internal/one_face.h"
#include "recognition/internal/one_model.h"
#include "recognition/internal/snapshot_cache.h"
#include "recognition/recorder.h"

namespace faceforge::recognition {
namespace {

using internal::SharedSnapshot;
using internal::VersionChoice;

constexpr std::string_view kDuplicate = "photo_duplicate";

/// As many as a whole check has of each person.
constexpr size_t kShownLookAlikes = gallery::SelfCheckLimits{}.look_alikes_each;

/// Whether an error is about the photo itself, so that the upload is refused rather than failed.
bool is_about_the_photo(const Error& error) {
  return error.code == ErrorCode::InvalidInput || error.code == ErrorCode::TooLarge ||
         error.code == ErrorCode::Unsupported || error.reason == kDuplicate;
}

VersionChoice choice_of(std::optional<int64_t> version) {
  return version ? VersionChoice::ByNumber : VersionChoice::InUse;
}

/// A version of a gallery, in memory.
struct VersionedSnapshot {
  int64_t number = 0;
  SharedSnapshot snapshot{};
};

}  // namespace

struct Recognition::Parts {
  Parts(gallery::Galleries& all, InferenceScheduler& cores, Engines first,
        const RecognitionLimits& bounds, LoadEngines load)
      : galleries(all),
        scheduler(cores),
        limits(bounds),
        snapshots(bounds.snapshot_cache_bytes),
        engines(std::move(first), std::move(load), all.clock(),
                {.waiting = bounds.waiting_for_packs, .wait = bounds.pack_wait}),
        trainer(all, cores, engines),
        recorder(all) {}

  [[nodiscard]] Result<VersionedSnapshot> snapshot(UserId user, GalleryId gallery,
                                                   std::optional<int64_t> version);
  [[nodiscard]] Result<void> look_up(GalleryWatch& state, int64_t time_ms);
  [[nodiscard]] Result<std::optional<gallery::ComparableModel>> comparable(
      UserId user, GalleryId gallery, const face::ModelId& model);

  gallery::Galleries& galleries;
  InferenceScheduler& scheduler;
  const RecognitionLimits limits;
  internal::SnapshotCache snapshots;
  internal::ModelEngines engines;
  internal::GalleryTrainer trainer;
  Recorder recorder;
};

Recognition::Recognition(gallery::Galleries& galleries, InferenceScheduler& scheduler,
                         Engines engines, const RecognitionLimits& limits, LoadEngines load)
    : parts_(std::make_unique<Parts>(galleries, scheduler, std::move(engines), limits,
                                     std::move(load))) {}
Recognition::~Recognition() = default;

void Recognition::use_engines(Engines engines) {
  parts_->engines.use(std::move(engines));
}

std::shared_ptr<const FaceEngine> Recognition::engine() const {
  return parts_->engines.in_use().one_core;
}

Result<void> Recognition::hold_answering_packs() {
  const auto packs = TRY(parts_->galleries.list_answering_packs());
  parts_->engines.need(packs);
  return {};
}

Engines Recognition::engines_in_use() const {
  return parts_->engines.in_use();
}

std::vector<Engines> Recognition::former_engines() const {
  return parts_->engines.others();
}

gallery::Galleries& Recognition::galleries() {
  return parts_->galleries;
}

// --- enrolling ---

Result<EnrollReport> Recognition::enroll(UserId user, GalleryId gallery, PersonId person,
                                         const Upload& upload, std::string_view file_name) {
  EnrollReport report;
  const auto refuse_or_fail = [&](const Error& error) -> Result<EnrollReport> {
    if (!is_about_the_photo(error)) return Unexpected(error);
    report.refusal = error;
    if (error.reason == kDuplicate) {
      report.duplicate_of = TRY(parts_->galleries.find_holder(user, gallery, upload.file));
    }
    return std::move(report);
  };
  // Asked first: it is cheap, and someone else's gallery is none of the photo's business.
  const auto room = parts_->galleries.check_new_photo(user, gallery, person, upload.file);
  if (!room) return refuse_or_fail(room.error());

  auto found = [&]() -> Result<internal::OneFace> {
    const auto request =
        TRY(parts_->scheduler.begin(parts_->engines.in_use(), Urgency::Live, upload.abandoned));
    return internal::look_for_one_face(*request, upload.file, FaceChoice::OnlyFace,
                                       parts_->limits.enrolled_face_px);
  }();
  if (!found) return refuse_or_fail(found.error());
  report.width_px = found->width_px;
  report.height_px = found->height_px;
  report.faces = std::move(found->faces);
  if (!found->chosen) return refuse_or_fail(found->chosen.error());

  PhotoFace& chosen = *found->chosen;
  auto shown_name = gallery::shown_file_name(file_name, upload.file);
  auto added = parts_->galleries.add_photo(user, gallery, person,
                                           {.bytes = upload.file,
                                            .file_name = std::move(shown_name),
                                            .width_px = found->width_px,
                                            .height_px = found->height_px,
                                            .face = std::move(chosen.face),
                                            .quality = chosen.quality,
                                            .embedding = std::move(chosen.embedding)});
  if (!added) return refuse_or_fail(added.error());
  report.photo = std::move(*added);
  return report;
}

// --- training ---

Result<TrainedVersion> Recognition::train(UserId user, GalleryId gallery,
                                          const TrainProgressReport& progress,
                                          TrainingCause cause) {
  return parts_->trainer.train(user, gallery, cause, progress);
}

// --- asking ---

Result<VersionedSnapshot> Recognition::Parts::snapshot(UserId user, GalleryId gallery,
                                                       std::optional<int64_t> version) {
  // Before the model: a deletion between the two makes the key older than the model, never the
  // other way round, so that what is kept under a revision never holds more than it.
  const auto state = TRY(galleries.find_version_state(user, gallery, version));
  const internal::SnapshotKey key{gallery, state.number, state.revision};
  const auto load = [&]() -> Result<SharedSnapshot> {
    const auto model = TRY(galleries.read_model(user, gallery, state.number));
    return std::make_shared<const gallery::Snapshot>(model);
  };
  auto snapshot = TRY(snapshots.find_or_load(key, load));
  return VersionedSnapshot{.number = state.number, .snapshot = std::move(snapshot)};
}

Result<IdentifyReport> Recognition::identify(UserId user, GalleryId gallery, const Upload& upload,
                                             const gallery::MatchRates& rates,
                                             size_t candidate_count,
                                             std::optional<int64_t> version) {
  const auto snapshot = TRY(parts_->snapshot(user, gallery, version)).snapshot;
  const Engines engines =
      TRY(parts_->engines.engines_of(*snapshot, choice_of(version), upload.abandoned));
  const auto policy = TRY(internal::policy_of(*snapshot, *engines.one_core, rates));
  const auto request = TRY(parts_->scheduler.begin(engines, Urgency::Live, upload.abandoned));
  return recognition::identify(
      upload.file, *snapshot, *request, policy,
      {.candidate_count = candidate_count, .min_face_px = parts_->limits.face_px});
}

/// The snapshot of the version in use, asked for again once it is older than kLookUpEvery_ms.
Result<void> Recognition::Parts::look_up(GalleryWatch& state, int64_t time_ms) {
  if (state.snapshot && time_ms - state.looked_up_ms < kLookUpEvery_ms) return {};
  auto in_use = TRY(snapshot(state.user, state.gallery, {}));
  state.snapshot = std::move(in_use.snapshot);
  state.version = in_use.number;
  const auto since_ms = TRY(galleries.recorded_since(state.user, state.gallery));
  if (since_ms != state.recorded_since_ms) state.watch.forget_records();
  state.recorded_since_ms = since_ms;
  state.looked_up_ms = time_ms;
  return {};
}

Result<GalleryWatch> Recognition::begin_watch(UserId user, GalleryId gallery,
                                              const gallery::MatchRates& rates) {
  GalleryWatch state{.user = user, .gallery = gallery, .rates = rates};
  TRY(parts_->look_up(state, 0));
  const Engines engines = TRY(parts_->engines.engines_at_once(*state.snapshot));
  TRY(internal::policy_of(*state.snapshot, *engines.one_core, rates));
  return state;
}

Result<void> Recognition::refresh_watch(GalleryWatch& state, int64_t time_ms) {
  return parts_->look_up(state, time_ms);
}

Result<WatchReport> Recognition::watch(GalleryWatch& state, const Upload& frame, int64_t time_ms) {
  // Before the frame takes its turn, which may be long.
  const UnixTime_ms began_ms = parts_->galleries.clock().now_ms() - time_ms;
  TRY(parts_->look_up(state, time_ms));
  const Engines engines = TRY(parts_->engines.engines_at_once(*state.snapshot));
  const auto policy = TRY(internal::policy_of(*state.snapshot, *engines.one_core, state.rates));
  // A network that all cores share waits for the slowest of them in every layer: where another
  // process has one of them a frame takes ten times as long, which a lone photo may and a stream,
  // whose page runs on these very cores, may not (docs/decisions/0023).
  const auto request =
      TRY(parts_->scheduler.begin(engines.one_core, Urgency::Live, frame.abandoned));
  auto report = TRY(state.watch.look(
      frame.file, time_ms, state.snapshot, *request, policy,
      {.min_face_px = parts_->limits.face_px,
       .recording = state.recorded_since_ms ? TrackRecording::On : TrackRecording::Off,
       .min_kept_face_px = parts_->limits.enrolled_face_px}));
  parts_->recorder.keep(state.user, state.gallery, std::exchange(report.records, {}), began_ms);
  return report;
}

void Recognition::end_watch(GalleryWatch& state, int64_t time_ms) {
  const UnixTime_ms began_ms = parts_->galleries.clock().now_ms() - time_ms;
  parts_->recorder.keep(state.user, state.gallery, state.watch.finish(), began_ms);
}

// --- unknown faces ---

/// By what faces of a model are compared; nothing where nothing is promised of it. What a version
/// promises comes first, for it does not hang on which packs are in memory.
Result<std::optional<gallery::ComparableModel>> Recognition::Parts::comparable(
    UserId user, GalleryId gallery, const face::ModelId& model) {
  const auto promised = TRY(galleries.find_comparable(user, gallery, model));
  if (promised) return promised;
  const auto engine = engines.find(model);
  if (!engine || !engine->calibration()) return std::nullopt;
  return gallery::ComparableModel{.metric = engine->metric(),
                                  .embedding_length = engine->embedding_length(),
                                  .calibration = *engine->calibration()};
}

Result<UnknownFaces> Recognition::unknown_faces(UserId user, GalleryId gallery) {
  auto faces = TRY(parts_->galleries.list_unknown_faces(user, gallery));
  std::set<face::ModelId> seen_by;
  for (const gallery::UnknownFace& face : faces) seen_by.insert(face.embedding.model_id);
  ComparableModels models;
  for (const face::ModelId& model : seen_by) {
    const auto comparable = TRY(parts_->comparable(user, gallery, model));
    if (comparable) models.emplace(model, *comparable);
  }
  return group_unknown_faces(std::move(faces), models);
}

Result<EnrollReport> Recognition::enroll_unknown_face(UserId user, GalleryId gallery,
                                                      PersonId person, gallery::UnknownFaceId face,
                                                      const std::stop_token& abandoned) {
  gallery::Galleries& galleries = parts_->galleries;
  TRY(galleries.find_person(user, gallery, person));
  const gallery::UnknownFace known = TRY(galleries.find_unknown_face(user, gallery, face));
  EnrollReport report{.width_px = known.width_px, .height_px = known.height_px};
  const auto added = [&]() -> Result<gallery::Photo> {
    const auto file = TRY(galleries.read_unknown_face_file(user, known));
    const auto request =
        TRY(parts_->scheduler.begin(parts_->engines.in_use(), Urgency::Live, abandoned));
    PhotoFace found = TRY(internal::look_again(*request, file, known.face));
    report.faces = {found.face};
    return galleries.add_photo(
        user, gallery, person,
        {.bytes = file,
         // Without the time: the photo outlives the days for which that may be kept.
         .file_name = "seen.jpg",
         .width_px = known.width_px,
         .height_px = known.height_px,
         .face = std::move(found.face),
         .quality = found.quality,
         .embedding = std::move(found.embedding)});
  }();
  if (added) {
    report.photo = *added;
  } else if (is_about_the_photo(added.error()) || added.error().reason == "blob_not_found") {
    report.refusal = added.error();
  } else {
    return Unexpected(added.error());
  }
  if (added) TRY(galleries.name_unknown_face(user, gallery, face, added->id));
  if (!added && added.error().reason == kDuplicate) {
    TRY(galleries.delete_unknown_faces(user, gallery, {&face, 1}));
  }
  return report;
}

Result<std::vector<gallery::UnknownFaceId>> Recognition::unname_faces(
    UserId user, GalleryId gallery, PersonId person,
    std::span<const gallery::UnknownFaceId> faces) {
  auto unknown = parts_->galleries.unname_faces(user, gallery, person, faces);
  parts_->snapshots.forget(gallery);
  return unknown;
}

Result<VerifyReport> Recognition::verify(UserId user, GalleryId gallery, PersonId person,
                                         const Upload& upload, const gallery::MatchRates& rates,
                                         const WantedFace& wanted_face,
                                         std::optional<int64_t> version) {
  TRY(parts_->galleries.find_person(user, gallery, person));
  const auto snapshot = TRY(parts_->snapshot(user, gallery, version)).snapshot;
  const Engines engines =
      TRY(parts_->engines.engines_of(*snapshot, choice_of(version), upload.abandoned));
  const auto policy = TRY(internal::policy_of(*snapshot, *engines.one_core, rates));
  const auto request = TRY(parts_->scheduler.begin(engines, Urgency::Live, upload.abandoned));
  return recognition::verify(upload.file, person, *snapshot, *request, policy,
                             {.wanted_face = wanted_face, .min_face_px = parts_->limits.face_px});
}

Result<PhotoFaces> Recognition::detect(const Upload& upload) {
  const auto request =
      TRY(parts_->scheduler.begin(parts_->engines.in_use(), Urgency::Live, upload.abandoned));
  return recognition::detect(*request, upload.file);
}

Result<image::Photo> Recognition::decode(const Upload& upload) {
  const auto request =
      TRY(parts_->scheduler.begin(parts_->engines.in_use(), Urgency::Live, upload.abandoned));
  return request->decode(upload.file);
}

Result<CompareReport> Recognition::compare(const Upload& first, std::span<const std::byte> second,
                                           const gallery::MatchRates& rates,
                                           const WantedFace& wanted_face) {
  const Engines engines = parts_->engines.in_use();
  const auto policy = TRY(gallery::MatchPolicy::create(engines.one_core->calibration(), rates));
  const auto request = TRY(parts_->scheduler.begin(engines, Urgency::Live, first.abandoned));
  return recognition::compare(first.file, second, *request, policy,
                              {.wanted_face = wanted_face, .min_face_px = parts_->limits.face_px});
}

Result<std::vector<std::byte>> Recognition::export_model(UserId user, GalleryId gallery,
                                                         std::optional<int64_t> version) {
  const gallery::Version found = TRY(parts_->galleries.find_version(user, gallery, version));
  const auto model = TRY(parts_->galleries.read_model(user, gallery, found.number));
  return gallery::write_model(model);
}

Result<VersionCheck> Recognition::check_version(UserId user, GalleryId gallery, int64_t version,
                                                const std::stop_token& abandoned) {
  VersionCheck checked;
  checked.snapshot = TRY(parts_->snapshot(user, gallery, version)).snapshot;
  checked.check = TRY(gallery::check_against_itself(*checked.snapshot, {}, abandoned));
  return checked;
}

Result<PersonTraining> Recognition::training_of(UserId user, GalleryId gallery, PersonId person) {
  TRY(parts_->galleries.find_person(user, gallery, person));
  const auto in_use = parts_->snapshot(user, gallery, {});
  if (!in_use && in_use.error().reason == "gallery_not_trained") return PersonTraining{};
  const auto [number, snapshot] = TRY(in_use);
  PersonTraining training{.version = number};
  training.photos = TRY(parts_->galleries.report_photos(user, gallery, person, number));
  if (const auto index = snapshot->find(person)) {
    training.look_alikes = TRY(gallery::look_alikes_of(*snapshot, *index, kShownLookAlikes));
  }
  return training;
}

// --- deleting ---

Result<void> Recognition::delete_photo(UserId user, GalleryId gallery, PhotoId photo) {
  auto deleted = parts_->galleries.delete_photo(user, gallery, photo);
  parts_->snapshots.forget(gallery);
  return deleted;
}

Result<void> Recognition::delete_person(UserId user, GalleryId gallery, PersonId person) {
  auto deleted = parts_->galleries.delete_person(user, gallery, person);
  parts_->snapshots.forget(gallery);
  return deleted;
}

Result<void> Recognition::delete_gallery(UserId user, GalleryId gallery) {
  auto deleted = parts_->galleries.delete_gallery(user, gallery);
  parts_->snapshots.forget(gallery);
  return deleted;
}

Result<void> Recognition::delete_version(UserId user, GalleryId gallery, int64_t version) {
  auto deleted = parts_->galleries.delete_version(user, gallery, version);
  parts_->snapshots.forget(gallery);
  return deleted;
}

Result<void> Recognition::delete_everything(UserId user) {
  auto deleted = parts_->galleries.delete_everything(user);
  parts_->snapshots.forget_all();
  return deleted;
}

}  // namespace faceforge::recognition
