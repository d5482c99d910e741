#include "recognition/train_job.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <string>
#include <utility>

#include "recognition/recognition.h"

namespace faceforge::recognition {
namespace {

constexpr std::string_view kCauseField = "cause";
constexpr std::string_view kNewPack = "new_pack";
constexpr std::string_view kHeadField = "head";
constexpr std::string_view kVersionField = "version";

std::string subject_of(GalleryId gallery) {
  return fmt::format("gallery {}", gallery.value());
}

TrainingCause cause_of(const json::object& parameters) {
  const json::value* cause = parameters.if_contains(kCauseField);
  const bool is_new_pack =
      cause != nullptr && cause->is_string() && cause->get_string() == kNewPack;
  return is_new_pack ? TrainingCause::NewPack : TrainingCause::Asked;
}

/// That the owner wants the job to end.
constexpr std::string_view kJobCancelled = "job_cancelled";

/// Why there is no head of a gallery, without any trouble: none can be tried of one like it, or
/// something was deleted, moved or renamed meanwhile.
constexpr auto kNoHeadOfSuchAGallery = std::to_array<std::string_view>(
    {"head_too_few_people", "head_too_many_people", "head_too_many_photos",
     "head_embedding_too_long", "head_photos_missing", "head_not_calibrated", "gallery_changing"});

Result<void> find_and_keep_head(jobs::JobContext& context, gallery::Galleries& galleries,
                                const TrainHead& train_head, GalleryId gallery, int64_t version) {
  const UserId user = context.job().owner;
  const auto state = TRY(galleries.find_version_state(user, gallery, version));
  const auto model = TRY(galleries.read_model(user, gallery, version));
  std::stop_source stop;
  const std::stop_callback stop_with_job(context.stop_token(), [&] { stop.request_stop(); });
  Result<void> reported;
  const auto report = [&](size_t done, size_t in_all) {
    reported = context.report(static_cast<int64_t>(done), static_cast<int64_t>(in_all),
                              "trying a personal head");
    if (!reported) stop.request_stop();
  };
  report(0, 1);
  const auto outcome = train_head(model, {}, {.report = report, .stop = stop.get_token()});
  // Where the token alone has stopped it, only a report tells whether the job is to go on later.
  if (reported && stop.stop_requested()) report(0, 1);
  TRY(reported);
  TRY(outcome);
  TRY(galleries.keep_head(user, gallery, state, *outcome));
  return {};
}

/// Tries a personal head on a version that was just trained, on one core: others are asked
/// meanwhile.
///
/// out:   the reason why there is none, which is no failure, for the gallery is trained: one of
///        kNoHeadOfSuchAGallery, or kJobCancelled
/// fails: cancelled/job_interrupted; as gallery::Galleries
Result<std::optional<std::string>> try_head(jobs::JobContext& context,
                                            gallery::Galleries& galleries,
                                            const TrainHead& train_head, GalleryId gallery,
                                            int64_t version) {
  const auto kept = find_and_keep_head(context, galleries, train_head, gallery, version);
  if (kept) return std::nullopt;
  const std::string& reason = kept.error().reason;
  const auto known = std::ranges::find(kNoHeadOfSuchAGallery, reason);
  if (known != kNoHeadOfSuchAGallery.end() || reason == kJobCancelled) return reason;
  return Unexpected(kept.error());
}

/// The version that a run made which was cut off while it tried a head; nothing where there was no
/// such run, or the version was deleted since.
Result<std::optional<gallery::Version>> version_before(jobs::JobContext& context,
                                                       gallery::Galleries& galleries,
                                                       GalleryId gallery) {
  if (!context.checkpoint().is_object()) return std::nullopt;
  const json::object& saved = context.checkpoint().get_object();
  const int64_t number = TRY(json::integer_field(saved, kVersionField));
  auto version = galleries.find_version(context.job().owner, gallery, number);
  if (!version && version.error().reason == "version_not_found") return std::nullopt;
  return TRY(version);
}

/// Trains the gallery, unless a run that was cut off while it tried a head has done so. At least
/// once: where the process ends between the version and its checkpoint, an owner's training makes a
/// second version, and the server's own finds its version there, as new as if it had not made it.
Result<TrainedVersion> version_of(jobs::JobContext& context, Recognition& recognition,
                                  GalleryId gallery, const TrainProgressReport& report) {
  const jobs::Job& job = context.job();
  const json::object& parameters = job.parameters.get_object();
  if (auto before = TRY(version_before(context, recognition.galleries(), gallery))) {
    return TrainedVersion{.version = *std::move(before)};
  }
  auto trained = TRY(recognition.train(job.owner, gallery, report, cause_of(parameters)));
  if (trained.is_new && json::has_field(parameters, kHeadField)) {
    TRY(context.save_checkpoint(json::object{{kVersionField, trained.version.number}}));
  }
  return trained;
}

Result<json::value> run(jobs::JobContext& context, Recognition& recognition,
                        const TrainHead& train_head) {
  const jobs::Job& job = context.job();
  if (!job.parameters.is_object()) {
    return fail(ErrorCode::Internal, "job_parameters", "the job names no gallery");
  }
  const json::object& parameters = job.parameters.get_object();
  const GalleryId gallery(TRY(json::integer_field(parameters, "gallery_id")));
  const auto report = [&](const TrainProgress& progress) {
    if (progress.people_in_all == 0) {
      return context.report(progress.photos_done, progress.photos_in_all, "looking at photos");
    }
    return context.report(progress.people_done, progress.people_in_all, "comparing the photos");
  };
  const auto [version, is_new] = TRY(version_of(context, recognition, gallery, report));
  std::optional<std::string> refused;
  // A version that answered already has the head that its owner gave it, or none.
  if (is_new && json::has_field(parameters, kHeadField)) {
    refused = TRY(try_head(context, recognition.galleries(), train_head, gallery, version.number));
  }
  json::value head_refused = nullptr;
  if (refused) head_refused = json::value(*refused);
  return json::value(json::object{{"gallery_id", gallery.value()},
                                  {"version", version.number},
                                  {"person_count", version.person_count},
                                  {"photo_count", version.photo_count},
                                  {"flagged_count", version.flagged_count},
                                  {"unusable_count", version.unusable_count},
                                  {"head_refused", std::move(head_refused)}});
}

}  // namespace

void add_train_gallery(jobs::Jobs& jobs, Recognition& recognition, TrainHead train_head) {
  jobs.add_kind(std::string(kTrainGalleryKind),
                [&recognition, train_head = std::move(train_head)](jobs::JobContext& context) {
                  return run(context, recognition, train_head);
                });
}

Result<jobs::Job> start_training(jobs::Jobs& jobs, Recognition& recognition, UserId user,
                                 GalleryId gallery, TrainingCause cause, HeadWish head) {
  const gallery::Gallery found = TRY(recognition.galleries().find_gallery(user, gallery));
  if (found.photo_count == 0) {
    return fail(ErrorCode::InvalidInput, "gallery_empty",
                "the gallery `{}` has no photos: add some first", found.name);
  }
  json::object parameters{{"gallery_id", gallery.value()}};
  if (cause == TrainingCause::NewPack) parameters[kCauseField] = kNewPack;
  if (head == HeadWish::Try) parameters[kHeadField] = true;
  auto job = jobs.create(user, {.kind = std::string(kTrainGalleryKind),
                                .subject = subject_of(gallery),
                                .parameters = std::move(parameters)});
  if (!job && job.error().reason == "job_already_running") {
    return fail(ErrorCode::Conflict, "training_running",
                "the gallery `{}` is being trained already; wait for it or cancel it", found.name);
  }
  return job;
}

Result<bool> is_in_training(jobs::Jobs& jobs, UserId user, GalleryId gallery) {
  return jobs.has_unfinished(user, kTrainGalleryKind, subject_of(gallery));
}

}  // namespace faceforge::recognition
