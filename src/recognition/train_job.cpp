#include "recognition/train_job.h"

#include <stop_token>
#include <string>

#include "gallery/head_trial.h"
#include "recognition/recognition.h"

namespace faceforge::recognition {
namespace {

constexpr std::string_view kCauseField = "cause";
constexpr std::string_view kNewPack = "new_pack";
constexpr std::string_view kHeadField = "head";
constexpr std::string_view kVersionField = "version";

TrainingCause cause_of(const json::object& parameters) {
  const json::value* cause = parameters.if_contains(kCauseField);
  const bool is_new_pack =
      cause != nullptr && cause->is_string() && cause->get_string() == kNewPack;
  return is_new_pack ? TrainingCause::NewPack : TrainingCause::Asked;
}

/// Tries a personal head on a version that was just trained, on one core: others are asked
/// meanwhile.
///
/// out:   the reason why there is none, which is no failure, for the gallery is trained: of such a
///        gallery none can be tried, or it was changed meanwhile (gallery_changing)
/// fails: cancelled/...; as gallery::Galleries
Result<std::optional<std::string>> try_head(jobs::JobContext& context,
                                            gallery::Galleries& galleries, GalleryId gallery,
                                            int64_t version) {
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
  const auto outcome =
      gallery::train_personal_head(model, {}, {.report = report, .stop = stop.get_token()});
  TRY(reported);
  const auto kept =
      outcome ? galleries.keep_head(user, gallery, state, *outcome) : Unexpected(outcome.error());
  if (kept) return std::nullopt;
  const ErrorCode code = kept.error().code;
  const bool is_about_the_gallery =
      code == ErrorCode::InvalidInput || code == ErrorCode::TooLarge || code == ErrorCode::Conflict;
  if (is_about_the_gallery) return kept.error().reason;
  return Unexpected(kept.error());
}

/// Trains the gallery, unless a run that was cut off while it tried a head has done so.
Result<gallery::Version> version_of(jobs::JobContext& context, Recognition& recognition,
                                    GalleryId gallery, const TrainProgressReport& report) {
  const jobs::Job& job = context.job();
  const json::object& parameters = job.parameters.get_object();
  if (context.checkpoint().is_object()) {
    const json::object& saved = context.checkpoint().get_object();
    const int64_t number = TRY(json::integer_field(saved, kVersionField));
    return recognition.galleries().find_version(job.owner, gallery, number);
  }
  auto version = TRY(recognition.train(job.owner, gallery, report, cause_of(parameters)));
  if (json::has_field(parameters, kHeadField)) {
    TRY(context.save_checkpoint(json::object{{kVersionField, version.number}}));
  }
  return version;
}

Result<json::value> run(jobs::JobContext& context, Recognition& recognition) {
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
  const gallery::Version version = TRY(version_of(context, recognition, gallery, report));
  std::optional<std::string> refused;
  if (json::has_field(parameters, kHeadField)) {
    refused = TRY(try_head(context, recognition.galleries(), gallery, version.number));
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

void add_train_gallery(jobs::Jobs& jobs, Recognition& recognition) {
  jobs.add_kind(std::string(kTrainGalleryKind),
                [&recognition](jobs::JobContext& context) { return run(context, recognition); });
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
                                .subject = fmt::format("gallery {}", gallery.value()),
                                .parameters = std::move(parameters)});
  if (!job && job.error().reason == "job_already_running") {
    return fail(ErrorCode::Conflict, "training_running",
                "the gallery `{}` is being trained already; wait for it or cancel it", found.name);
  }
  return job;
}

}  // namespace faceforge::recognition
