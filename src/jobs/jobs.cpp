#include "jobs/jobs.h"

#include "base/check.h"
#include "jobs/internal/state.h"

namespace faceforge::jobs {

Jobs::Jobs(std::shared_ptr<store::Database> database, const Clock& clock, const Options& options)
    : state_(std::make_unique<internal::State>(std::move(database), clock, options)) {
  CHECK(options.running_max > 0);
}

Jobs::~Jobs() {
  stop();
}

void Jobs::add_kind(std::string kind, Work work) {
  CHECK_MSG(state_->workers.empty(), "kinds are added before the start");
  CHECK_MSG(work != nullptr && !kind.empty(), "a kind has a name and work");
  state_->kind_names.push_back(kind);
  const bool is_new = state_->kinds.emplace(std::move(kind), std::move(work)).second;
  CHECK_MSG(is_new, "a kind has one work");
}

Result<void> Jobs::start() {
  CHECK_MSG(state_->workers.empty() && !state_->stopping, "started once");
  TRY(state_->database->transact([this](store::Transaction& transaction) {
    return internal::requeue_of_runner(transaction, state_->options.runner, state_->clock.now_ms());
  }));
  for (int worker = 0; worker < state_->options.running_max; ++worker) {
    state_->workers.emplace_back([state = state_.get()] { state->work_until_stopped(); });
  }
  return {};
}

void Jobs::stop() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
    for (const auto& [id, running] : state_->running) running->stop.request_stop();
  }
  state_->woken.notify_all();
  state_->workers.clear();  // joins
  state_->events.close();
}

Result<Job> Jobs::create(UserId owner, const NewJob& job) {
  if (!state_->kinds.contains(job.kind)) {
    return fail(ErrorCode::InvalidInput, "job_kind_unknown", "there is no work of the kind `{}`",
                job.kind);
  }
  TRY(internal::storable_json(job.parameters, internal::kMaxParameters_bytes));
  auto created = state_->database->transact([&](store::Transaction& transaction) -> Result<Job> {
    const auto unfinished = TRY(internal::count_unfinished(transaction, owner));
    if (std::cmp_greater_equal(unfinished, state_->options.unfinished_per_owner_max)) {
      return fail(ErrorCode::Busy, "too_many_jobs",
                  "{} jobs are waiting or running; the limit is {}", unfinished,
                  state_->options.unfinished_per_owner_max);
    }
    return internal::insert_job(transaction, owner, job, state_->clock.now_ms());
  });
  if (created) state_->wake();
  return created;
}

Result<Job> Jobs::get(UserId owner, JobId id) {
  return state_->database->read(
      [&](store::Transaction& transaction) { return internal::find_job(transaction, owner, id); });
}

Result<std::vector<Job>> Jobs::list(UserId owner, size_t limit) {
  return state_->database->read([&](store::Transaction& transaction) {
    return internal::list_jobs(transaction, owner, limit);
  });
}

Result<bool> Jobs::has_unfinished(UserId owner, std::string_view kind, std::string_view subject) {
  return state_->database->read([&](store::Transaction& transaction) {
    return internal::has_unfinished(transaction, owner, kind, subject);
  });
}

Result<Job> Jobs::cancel(UserId owner, JobId id) {
  auto job = state_->database->transact([&](store::Transaction& transaction) -> Result<Job> {
    const Job before = TRY(internal::find_job(transaction, owner, id));
    if (is_finished(before.state)) return before;
    if (before.state == JobState::Queued) {
      TRY(internal::cancel_queued(transaction, id, state_->clock.now_ms()));
    } else {
      TRY(internal::request_cancel(transaction, id));
    }
    return internal::find_job(transaction, owner, id);
  });
  if (!job) return job;
  if (is_finished(job->state)) {
    state_->events.publish(state_->present(*job));
  } else if (const auto running = state_->running_job(id)) {
    running->cancelled = true;
    running->stop.request_stop();
  }
  return job;
}

Result<std::shared_ptr<EventQueue>> Jobs::subscribe(UserId owner, JobId id) {
  const Job job = TRY(get(owner, id));
  auto queue = TRY(state_->events.subscribe(state_->present(job)));
  if (is_finished(job.state)) return queue;
  // It may have ended after it was looked at and before anyone listened.
  const Job again = TRY(get(owner, id));
  if (is_finished(again.state)) state_->events.publish(state_->present(again));
  return queue;
}

Result<void> Jobs::sweep() {
  return state_->database->transact([this](store::Transaction& transaction) {
    return internal::remove_finished_before(
        transaction, state_->clock.now_ms() - state_->options.finished_kept_for.count());
  });
}

}  // namespace faceforge::jobs
