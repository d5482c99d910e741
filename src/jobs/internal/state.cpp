#include "jobs/internal/state.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/unicode.h"

namespace faceforge::jobs::internal {
namespace {

std::string cut_message(std::string_view text) {
  const bool is_cut = text.size() > kMaxMessage_bytes;
  text = text.substr(0, kMaxMessage_bytes);
  // A character that was cut in two has up to three bytes left.
  for (int cut = 0; is_cut && cut < 3 && !is_utf8(text); ++cut) text.remove_suffix(1);
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) return "?";
  return std::string(text);
}

class Context final : public JobContext {
 public:
  Context(const ClaimedJob& claimed, State& state, Running& running)
      : claimed_(claimed), state_(state), running_(running), progress_(claimed.job.progress) {}

  const Job& job() const override { return claimed_.job; }
  const json::value& checkpoint() const override { return claimed_.checkpoint; }
  std::stop_token stop_token() const override { return running_.stop.get_token(); }
  const Progress& progress() const { return progress_; }

  Result<void> report(int64_t done, int64_t total, std::string_view message) override {
    progress_ = {.done = done, .total = total, .message = cut_message(message)};
    state_.publish(running_, JobState::Running, progress_);
    const auto now = std::chrono::steady_clock::now();
    if (now - written_at_ >= state_.options.progress_every) {
      written_at_ = now;
      TRY(write_and_look_for_cancel());
    }
    return go_on();
  }

  Result<void> save_checkpoint(const json::value& checkpoint) override {
    const std::string text = TRY(storable_json(checkpoint, kMaxCheckpoint_bytes));
    const bool is_ours = TRY(state_.database->transact([&](store::Transaction& transaction) {
      return write_checkpoint(transaction, claimed_.job, text);
    }));
    if (is_ours) return {};
    end_early();
    return go_on();
  }

  // What the owner asked for through another process is only in the database; so is that another
  // server has taken the job up.
  Result<void> write_and_look_for_cancel() {
    const auto ends =
        state_.database->transact([&](store::Transaction& transaction) -> Result<bool> {
          TRY(write_progress(transaction, claimed_.job, progress_));
          return is_to_end(transaction, claimed_.job);
        });
    if (TRY(ends)) end_early();
    return {};
  }

 private:
  void end_early() {
    running_.cancelled = true;
    running_.stop.request_stop();
  }

  Result<void> go_on() const {
    if (running_.cancelled) {
      return fail(ErrorCode::Cancelled, "job_cancelled", "the job was cancelled");
    }
    if (state_.stopping) {
      return fail(ErrorCode::Cancelled, "job_interrupted",
                  "the server stops; the job goes on when it starts again");
    }
    return {};
  }

  const ClaimedJob& claimed_;
  State& state_;
  Running& running_;
  Progress progress_;
  std::chrono::steady_clock::time_point written_at_{};
};

// An error as the database keeps it: one that it refused would leave the job running for ever.
Error storable_error(const Error& error) {
  return {error.code, cut_message(error.reason), cut_message(error.message)};
}

// The database will refuse this row however often it is asked.
bool is_refusal(const Error& error) {
  return error.code == ErrorCode::InvalidInput || error.code == ErrorCode::TooLarge;
}

// The same row may well be taken later: by a database that is busy, out of reach or full now.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::Busy || error.code == ErrorCode::Exhausted ||
         error.reason == "commit_outcome_unknown";
}

// The work is another module's; whatever it does, this worker lives on.
Result<json::value> run_work(const Work& work, JobContext& context) {
  try {
    auto result = work(context);
    if (!result) {
      const Error& error = result.error();
      // In full here: clients are not told what names paths and hosts.
      if (error.code != ErrorCode::Cancelled && error.reason != "job_interrupted") {
        log::warning("a job failed: {}: {}", error.reason, error.message);
      }
      return Unexpected(storable_error(error));
    }
    if (auto text = storable_json(*result, kMaxResult_bytes); !text) {
      return Unexpected(text.error());
    }
    return result;
  } catch (const std::exception& exception) {
    return fail(ErrorCode::Internal, "job_threw", "the work ended with an exception: {}",
                cut_message(exception.what()));
  }
}

}  // namespace

Result<std::string> storable_json(const json::value& document, size_t limit_bytes) {
  std::string text = json::to_text(document);
  TRY(json::parse(text, limit_bytes));
  return text;
}

State::State(std::shared_ptr<store::Database> opened, const Clock& now, const Options& chosen)
    : database(std::move(opened)),
      clock(now),
      options(chosen),
      events(chosen.events_per_subscriber_max, chosen.subscribers_max) {}

std::shared_ptr<Running> State::running_job(JobId id) {
  const std::scoped_lock lock(mutex);
  const auto found = running.find(id);
  return found == running.end() ? nullptr : found->second;
}

JobEvent State::present(const Job& job) {
  if (const auto entry = running_job(job.id); entry != nullptr && !is_finished(job.state)) {
    const std::scoped_lock lock(entry->mutex);
    return entry->latest;
  }
  return {.job = job.id, .state = job.state, .progress = job.progress, .at_ms = clock.now_ms()};
}

void State::publish(Running& entry, JobState state, const Progress& progress) {
  const std::scoped_lock lock(entry.mutex);
  entry.latest.state = state;
  entry.latest.progress = progress;
  entry.latest.at_ms = clock.now_ms();
  events.publish(entry.latest);
}

// Of a job that is no longer this run's the database knows more. One that is gone has no one left
// to tell, but whoever listens.
void State::publish_as_kept(const Job& claimed) {
  const auto kept = database->read([&](store::Transaction& transaction) {
    return find_job(transaction, claimed.owner, claimed.id);
  });
  if (kept) return events.publish(present(*kept));
  events.publish({.job = claimed.id,
                  .state = JobState::Cancelled,
                  .progress = claimed.progress,
                  .at_ms = clock.now_ms()});
}

void State::wake() {
  {
    const std::scoped_lock lock(mutex);
    ++wakes;
  }
  woken.notify_all();
}

void State::wait_for_work(uint64_t seen_wakes) {
  std::unique_lock lock(mutex);
  woken.wait_for(lock, options.poll_every, [&] { return stopping || wakes != seen_wakes; });
}

void State::work_until_stopped() {
  while (!stopping) {
    uint64_t seen_wakes = 0;
    {
      const std::scoped_lock lock(mutex);
      seen_wakes = wakes;
    }
    const auto claimed = claim();
    if (!claimed) log::warning("no job could be begun: {}", claimed.error().message);
    if (claimed && *claimed) {
      run(**claimed);
    } else {
      wait_for_work(seen_wakes);
    }
  }
}

Result<std::optional<ClaimedJob>> State::claim() {
  const std::scoped_lock lock(claiming);
  // What was interrupted is queued again under the same lock, hence after `stopping` was set: no
  // worker takes up again what a stopping server has just laid down.
  if (stopping) return std::nullopt;
  return database->transact([&](store::Transaction& transaction) {
    return claim_job(transaction, kind_names, options.runner, clock.now_ms());
  });
}

Result<bool> State::lay_down(const Job& claimed) {
  const std::scoped_lock lock(claiming);
  return database->transact(
      [&](store::Transaction& transaction) { return requeue_job(transaction, claimed); });
}

// An end that the database cannot take now (a full disk, a lost connection) is kept here, and with
// it this worker, until it can: nothing else could be begun meanwhile, as that is written too. One
// that it will never take is given up: the job runs again after the next start.
Result<bool> State::keep_end(const Job& claimed, const Progress& progress,
                             Result<json::value> outcome) {
  const UnixTime_ms ended_at_ms = clock.now_ms();
  auto wait = options.poll_every;
  bool is_told = false;
  while (true) {
    const bool is_last = stopping;
    const auto written = database->transact([&](store::Transaction& transaction) {
      return finish_job(transaction, claimed, progress, outcome, ended_at_ms);
    });
    if (written || is_last) return written;
    // Refused for what it is: that is how the job ends then.
    if (is_refusal(written.error()) && outcome) {
      outcome = Unexpected(written.error());
      continue;
    }
    if (!may_pass(written.error())) return written;
    if (!is_told || wait >= options.retry_end_every_max) {
      is_told = true;
      log::error("job {} ended, which cannot be written yet: {}: {}", claimed.id.value(),
                 written.error().reason, written.error().message);
    }
    std::unique_lock lock(mutex);
    woken.wait_for(lock, wait, [this] { return stopping.load(); });
    wait = std::min(2 * wait, options.retry_end_every_max);
  }
}

void State::run(const ClaimedJob& claimed) {
  const JobId id = claimed.job.id;
  const auto entry = std::make_shared<Running>();
  entry->latest = {.job = id,
                   .state = JobState::Running,
                   .progress = claimed.job.progress,
                   .at_ms = clock.now_ms()};
  {
    const std::scoped_lock lock(mutex);
    running.emplace(id, entry);
  }
  Context context(claimed, *this, *entry);
  publish(*entry, JobState::Running, claimed.job.progress);
  // Cancelled after it was begun, and before it could be reached: only the database knows.
  if (const auto looked = context.write_and_look_for_cancel(); !looked) {
    log::warning("job {}: {}", id.value(), looked.error().message);
  }
  if (stopping) entry->stop.request_stop();
  const auto outcome = run_work(kinds.at(claimed.job.kind), context);
  const bool interrupted = !outcome && outcome.error().reason == "job_interrupted";
  const auto kept =
      interrupted ? lay_down(claimed.job) : keep_end(claimed.job, context.progress(), outcome);
  if (!kept) {
    log::error("job {} ended, which could not be kept; it runs again after the next start: {}: {}",
               id.value(), kept.error().reason, kept.error().message);
  }
  {
    const std::scoped_lock lock(mutex);
    running.erase(id);
  }
  if (kept && !*kept) return publish_as_kept(claimed.job);
  publish(*entry, interrupted ? JobState::Queued : end_state(outcome), context.progress());
}

}  // namespace faceforge::jobs::internal
