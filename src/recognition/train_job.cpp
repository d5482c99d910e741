#include "recognition/train_job.h"

#include <string>

#include "recognition/recognition.h"

namespace faceforge::recognition {
namespace {

constexpr std::string_view kCauseField = "cause";
constexpr std::string_view kNewPack = "new_pack";

TrainingCause cause_of(const json::object& parameters) {
  const json::value* cause = parameters.if_contains(kCauseField);
  const bool is_new_pack =
      cause != nullptr && cause->is_string() && cause->get_string() == kNewPack;
  return is_new_pack ? TrainingCause::NewPack : TrainingCause::Asked;
}

Result<json::value> run(jobs::JobContext& context, Recognition& recognition) {
  const jobs::Job& job = context.job();
  if (!job.parameters.is_object()) {
    return fail(ErrorCode::Internal, "job_parameters", "the job names no gallery");
  }
  const GalleryId gallery(TRY(json::integer_field(job.parameters.get_object(), "gallery_id")));
  const auto report = [&](const TrainProgress& progress) {
    if (progress.people_in_all == 0) {
      return context.report(progress.photos_done, progress.photos_in_all, "looking at photos");
    }
    return context.report(progress.people_done, progress.people_in_all, "comparing the photos");
  };
  const TrainingCause cause = cause_of(job.parameters.get_object());
  const gallery::Version version = TRY(recognition.train(job.owner, gallery, report, cause));
  return json::value(json::object{{"gallery_id", gallery.value()},
                                  {"version", version.number},
                                  {"person_count", version.person_count},
                                  {"photo_count", version.photo_count},
                                  {"flagged_count", version.flagged_count},
                                  {"unusable_count", version.unusable_count}});
}

}  // namespace

void add_train_gallery(jobs::Jobs& jobs, Recognition& recognition) {
  jobs.add_kind(std::string(kTrainGalleryKind),
                [&recognition](jobs::JobContext& context) { return run(context, recognition); });
}

Result<jobs::Job> start_training(jobs::Jobs& jobs, Recognition& recognition, UserId user,
                                 GalleryId gallery, TrainingCause cause) {
  const gallery::Gallery found = TRY(recognition.galleries().find_gallery(user, gallery));
  if (found.photo_count == 0) {
    return fail(ErrorCode::InvalidInput, "gallery_empty",
                "the gallery `{}` has no photos: add some first", found.name);
  }
  json::object parameters{{"gallery_id", gallery.value()}};
  if (cause == TrainingCause::NewPack) parameters[kCauseField] = kNewPack;
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
