#include "recognition/internal/gallery_trainer.h"

#include <memory>
#include <utility>

#include "base/log.h"
#include "recognition/internal/one_face.h"

namespace faceforge::recognition::internal {

using gallery::GalleryId;
using gallery::PhotoId;
using gallery::UserId;

namespace {

/// Rounds of embedding before a training: a second one sees photos that were enrolled with the
/// former pack while the first ran.
constexpr int kEmbeddingRounds = 3;

/// How often a training begins again because another pack was taken into use meanwhile.
constexpr int kPackAttempts = 5;

}  // namespace

Result<TrainedVersion> GalleryTrainer::train(UserId user, GalleryId gallery, TrainingCause cause,
                                             const TrainProgressReport& progress) {
  TRY(galleries_.find_gallery(user, gallery));
  {
    const std::scoped_lock lock(mutex_);
    if (!in_training_.insert(gallery).second) {
      return fail(ErrorCode::Conflict, "training_running",
                  "this gallery is being trained already; wait for it or cancel it");
    }
  }
  // However it ends: jobs outlive an exception of their work, and would train no more.
  const auto end = [gallery](GalleryTrainer* trainer) {
    const std::scoped_lock lock(trainer->mutex_);
    trainer->in_training_.erase(gallery);
  };
  const std::unique_ptr<GalleryTrainer, decltype(end)> ended_at_last(this, end);
  return train_claimed(user, gallery, cause, progress);
}

/// With the pack that is in use at the end: what a pack has learnt that was replaced meanwhile
/// would give a gallery the answers of a pack that somebody has just taken back.
Result<TrainedVersion> GalleryTrainer::train_claimed(UserId user, GalleryId gallery,
                                                     TrainingCause cause,
                                                     const TrainProgressReport& progress) {
  for (int attempt = 0; attempt < kPackAttempts; ++attempt) {
    const Engines engines = engines_.in_use();
    if (cause == TrainingCause::NewPack) {
      auto answering = TRY(galleries_.find_version(user, gallery));
      if (answering.model_id == engines.one_core->model_id()) {
        return TrainedVersion{.version = std::move(answering), .is_new = false};
      }
    }
    auto version = train_with(engines, user, gallery, cause, progress);
    const bool was_cancelled = !version && version.error().code == ErrorCode::Cancelled;
    if (!was_cancelled && !is_in_use(engines)) continue;
    if (!version) return Unexpected(version.error());
    return TrainedVersion{.version = *std::move(version)};
  }
  return fail(ErrorCode::Conflict, "pack_replaced",
              "the pack in use was replaced during each of {} attempts to train: try again after "
              "that",
              kPackAttempts);
}

Result<gallery::Version> GalleryTrainer::train_with(const Engines& engines, UserId user,
                                                    GalleryId gallery, TrainingCause cause,
                                                    const TrainProgressReport& progress) {
  const FaceEngine& used = *engines.one_core;
  TrainProgress state;
  const auto go_on = [&]() -> Result<void> {
    if (!is_in_use(engines)) {
      return fail(ErrorCode::Conflict, "pack_replaced", "another pack is in use by now");
    }
    return progress ? progress(state) : Result<void>();
  };
  const auto photos = [&](const TrainProgress& embedded) -> Result<void> {
    state = embedded;
    return go_on();
  };
  const auto people = [&](int64_t people_done, int64_t people_in_all) -> Result<void> {
    state.people_done = people_done;
    state.people_in_all = people_in_all;
    return go_on();
  };
  const gallery::Training training{.model_id = used.model_id(),
                                   .metric = used.metric(),
                                   .embedding_length = used.embedding_length(),
                                   .pack_id = used.pack_id(),
                                   .calibration = used.calibration(),
                                   .trained_for = cause == TrainingCause::NewPack
                                                      ? gallery::TrainedFor::Server
                                                      : gallery::TrainedFor::Owner};
  // Before the photos, which may take hours.
  TRY(galleries_.check_version_room(user, gallery, training));
  TRY(embed_missing(user, gallery, engines, photos));
  return galleries_.train(user, gallery, training, people);
}

Result<void> GalleryTrainer::embed_missing(UserId user, GalleryId gallery, const Engines& with,
                                           const TrainProgressReport& progress) {
  std::set<PhotoId> attempted;
  TrainProgress state;
  for (int round = 0; round < kEmbeddingRounds; ++round) {
    auto photos =
        TRY(galleries_.photos_without_embedding(user, gallery, with.one_core->model_id()));
    std::erase_if(photos, [&](const auto& photo) { return attempted.contains(photo.id); });
    state.photos_in_all += static_cast<int64_t>(photos.size());
    TRY(progress(state));
    if (photos.empty()) return {};
    for (const gallery::Photo& photo : photos) {
      attempted.insert(photo.id);
      TRY(embed_photo(user, photo, with));
      ++state.photos_done;
      TRY(progress(state));
    }
  }
  return {};
}

/// Says whether the photo has an embedding now; what is wrong with one photo stops no training.
Result<bool> GalleryTrainer::embed_photo(UserId user, const gallery::Photo& photo,
                                         const Engines& with) {
  const auto file = galleries_.read_photo_file(user, photo.gallery_id, photo.id);
  if (!file && file.error().reason == "photo_not_found") return false;  // deleted meanwhile
  if (!file && file.error().code == ErrorCode::Busy) return Unexpected(file.error());
  const auto face = [&]() -> Result<PhotoFace> {
    const auto bytes = TRY(file);
    const auto request = TRY(scheduler_.begin(with, Urgency::Background));
    return look_again(*request, bytes, photo.face);
  }();
  if (!face && face.error().code == ErrorCode::Cancelled) return Unexpected(face.error());
  if (!face) {
    log::warning("photo {} cannot be embedded again: {}", photo.id.value(), face.error().message);
    return false;
  }
  const auto added = galleries_.add_embedding(user, photo.gallery_id, photo.id, face->embedding);
  if (!added && added.error().code != ErrorCode::NotFound) return Unexpected(added.error());
  return added.has_value();
}

bool GalleryTrainer::is_in_use(const Engines& engines) const {
  return engines_.in_use().one_core->model_id() == engines.one_core->model_id();
}

}  // namespace faceforge::recognition::internal
