#include "recognition/catch_up.h"

#include <cstddef>
#include <utility>

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
  if (!job || job->state != jobs::JobState::Succeeded) left_alone_.insert(started_->gallery);
  started_.reset();
  return false;
}

CatchUp::Outcome CatchUp::start(const gallery::AnsweringModel& behind) {
  // A training that has ended by now has its version visible in the next read, so that it is not
  // begun again. One that begins and ends between these calls is: it finds its version there.
  const auto in_training = is_in_training(jobs_, behind.user, behind.gallery);
  if (!in_training) return put_off(behind.gallery, in_training.error());
  const auto answering =
      recognition_.galleries().find_version(behind.user, behind.gallery, std::nullopt);
  // Learnt since the list was read, by a job from before a restart for one.
  if (answering && answering->model_id == model_) return Outcome::GoOn;
  if (*in_training) return wait_for(behind.gallery);
  const bool has_head = answering && answering->has_head;
  const auto job =
      start_training(jobs_, recognition_, behind.user, behind.gallery, TrainingCause::NewPack,
                     has_head ? HeadWish::Try : HeadWish::None);
  if (!job && job.error().reason == "training_running") return wait_for(behind.gallery);
  if (!job) return put_off(behind.gallery, job.error());
  started_ = {.owner = behind.user, .gallery = behind.gallery, .job = job->id};
  log::info("gallery {} is to be learnt by the pack in use", behind.gallery.value());
  return Outcome::Started;
}

CatchUp::Outcome CatchUp::put_off(gallery::GalleryId gallery, const Error& error) {
  const std::string& trouble = error.message;
  if (!is_settled_by_owner(error) && std::exchange(last_trouble_, trouble) != trouble) {
    log::warning("gallery {} is learnt by the pack in use later: {}", gallery.value(), trouble);
  }
  return Outcome::GoOn;
}

/// A gallery that is being trained already is waited for, but not for ever: an owner who begins and
/// cancels trainings without end keeps nobody from learning. It comes again with the next pass.
CatchUp::Outcome CatchUp::wait_for(gallery::GalleryId gallery) {
  if (!in_the_way_ || in_the_way_->gallery != gallery) {
    in_the_way_ = {.gallery = gallery, .since_ms = now_ms()};
  }
  return is_within(in_the_way_->since_ms, kWaitAtMost_ms) ? Outcome::WaitForAnother : Outcome::GoOn;
}

UnixTime_ms CatchUp::now_ms() const {
  return recognition_.galleries().clock().now_ms();
}

/// Whether less than a span has passed since a time; a wall clock may be put back.
bool CatchUp::is_within(UnixTime_ms time_ms, int64_t span_ms) const {
  const int64_t since_ms = now_ms() - time_ms;
  return since_ms >= 0 && since_ms < span_ms;
}

/// Whether there is something to be looked through now.
bool CatchUp::is_in_pass() {
  const auto engine = recognition_.engine();
  if (model_ != engine->model_id()) {
    model_ = engine->model_id();
    left_alone_.clear();
    begin_pass();
  }
  if (!engine->calibration()) return false;
  if (!pass_ended_ms_) return true;
  if (is_within(*pass_ended_ms_, kPassEvery_ms)) return false;
  begin_pass();
  return true;
}

void CatchUp::begin_pass() {
  pass_ended_ms_.reset();
  after_.reset();
  in_the_way_.reset();
}

Result<CatchUp::State> CatchUp::look(const std::stop_token& stop) {
  const State state = TRY(look_at_galleries(stop));
  if (!held_ms_ || !is_within(*held_ms_, kPassEvery_ms)) {
    held_ms_ = now_ms();
    TRY(recognition_.hold_answering_packs());
  }
  return state;
}

Result<CatchUp::State> CatchUp::look_at_galleries(const std::stop_token& stop) {
  if (TRY(is_at_work())) return State::AtWork;
  if (!is_in_pass()) return State::Idle;
  while (!stop.stop_requested()) {
    const auto part = TRY(recognition_.galleries().list_answering_models(
        {.after = after_, .limit = kGalleriesAtOnce}));
    for (const gallery::AnsweringModel& answering : part) {
      const bool is_behind = answering.model_id && answering.model_id != model_ &&
                             !left_alone_.contains(answering.gallery);
      const Outcome outcome = is_behind ? start(answering) : Outcome::GoOn;
      if (outcome == Outcome::WaitForAnother) return State::Idle;
      in_the_way_.reset();
      after_ = answering.gallery.value();
      if (outcome == Outcome::Started) return State::AtWork;
    }
    if (part.size() < size_t{kGalleriesAtOnce}) {
      pass_ended_ms_ = now_ms();
      held_ms_.reset();
      return State::Idle;
    }
  }
  return State::Idle;
}

}  // namespace faceforge::recognition
