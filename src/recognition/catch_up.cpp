#include "recognition/catch_up.h"

#include <cstddef>

#include "base/log.h"
#include "recognition/recognition.h"
#include "recognition/train_job.h"

namespace faceforge::recognition {
namespace {

/// Read at once.
constexpr int64_t kGalleriesAtOnce = 256;

/// Whether the owner's doings are why there is no job to be: the gallery is gone or empty by now,
/// or is trained already, which the pack in use does.
bool is_settled_by_owner(const Error& error) {
  return error.code == ErrorCode::NotFound || error.code == ErrorCode::InvalidInput ||
         error.code == ErrorCode::Conflict;
}

}  // namespace

Result<bool> CatchUp::is_at_work() {
  if (!started_) return false;
  const auto job = jobs_.get(started_->owner, started_->job);
  if (!job && job.error().code != ErrorCode::NotFound) return Unexpected(job.error());
  if (job && !jobs::is_finished(job->state)) return true;
  started_.reset();
  return false;
}

Result<void> CatchUp::start(const gallery::AnsweringModel& behind) {
  const auto job =
      start_training(jobs_, recognition_, behind.user, behind.gallery, TrainingCause::NewPack);
  if (job) {
    started_ = {.owner = behind.user, .job = job->id};
    log::info("gallery {} is to be learnt by the pack in use", behind.gallery.value());
    return {};
  }
  if (is_settled_by_owner(job.error())) return {};
  return Unexpected(job.error());
}

Result<void> CatchUp::look(const std::stop_token& stop) {
  const auto engine = recognition_.engine();
  if (model_ != engine->model_id()) {
    model_ = engine->model_id();
    after_.reset();
  }
  if (!engine->calibration()) return {};
  if (TRY(is_at_work())) return {};
  while (!stop.stop_requested()) {
    const auto part = TRY(recognition_.galleries().list_answering_models(
        {.after = after_, .limit = kGalleriesAtOnce}));
    for (const gallery::AnsweringModel& answering : part) {
      if (answering.model_id && answering.model_id != model_) TRY(start(answering));
      after_ = answering.gallery.value();
      if (started_) return {};
    }
    if (part.size() < size_t{kGalleriesAtOnce}) return {};
  }
  return {};
}

}  // namespace faceforge::recognition
