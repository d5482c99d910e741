#include "jobs/internal/job_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace faceforge::jobs::internal {
namespace {

constexpr size_t kMaxListed = 1000;

constexpr std::string_view kColumns =
    "id, owner_id, kind, subject, parameters, state, progress_done, progress_total, "
    "progress_message, result, error_code, error_reason, error_message, cancel_requested, "
    "attempts, "
    "created_at_ms, started_at_ms, finished_at_ms, checkpoint";
constexpr size_t kCheckpointColumn = 18;

constexpr JobState kStates[] = {JobState::Queued, JobState::Running, JobState::Succeeded,
                                JobState::Failed, JobState::Cancelled};

JobState state_of(std::string_view text) {
  const auto* found = std::ranges::find(kStates, text, to_string);
  CHECK_MSG(found != std::end(kStates), "the table allows no other state");
  return *found;
}

ErrorCode code_of(std::string_view text) {
  for (int number = 0; number <= static_cast<int>(ErrorCode::Internal); ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (faceforge::to_string(code) == text) return code;
  }
  return ErrorCode::Internal;
}

// What we wrote as JSON is read back without the limits of foreign JSON.
Result<json::value> stored_json(const std::string& text) {
  return json::parse(text, std::numeric_limits<size_t>::max());
}

Result<Job> job_of(const store::Row& row) {
  auto parameters = TRY(stored_json(row.text(4)));
  auto result = TRY(stored_json(row.text(9)));
  Job job{.id = row.id<JobId>(0),
          .owner = row.id<UserId>(1),
          .kind = row.text(2),
          .subject = row.text_or_null(3),
          .parameters = std::move(parameters),
          .state = state_of(row.text(5)),
          .progress = {.done = row.integer(6), .total = row.integer(7), .message = row.text(8)},
          .result = std::move(result),
          .cancel_requested = row.boolean(13),
          .attempts = static_cast<int>(row.integer(14)),
          .created_at_ms = row.integer(15),
          .started_at_ms = row.integer_or_null(16),
          .finished_at_ms = row.integer_or_null(17)};
  if (!row.is_null(10)) job.error = Error{code_of(row.text(10)), row.text(11), row.text(12)};
  return job;
}

}  // namespace

Result<Job> insert_job(store::Transaction& transaction, UserId owner, const NewJob& job,
                       UnixTime_ms now_ms) {
  const auto rows = TRY(transaction.query(
      fmt::format("insert into jobs (owner_id, kind, subject, parameters, state, created_at_ms) "
                  "values ($1, $2, $3, $4, 'queued', $5) on conflict do nothing returning {}",
                  kColumns),
      owner, job.kind, job.subject, json::to_text(job.parameters), now_ms));
  if (rows.empty()) {
    return fail(ErrorCode::Conflict, "job_already_running",
                "there is already an unfinished `{}` for {}", job.kind, job.subject.value_or(""));
  }
  return job_of(rows[0]);
}

Result<Job> find_job(store::Transaction& transaction, UserId owner, JobId id) {
  const auto rows = TRY(transaction.query(
      fmt::format("select {} from jobs where id = $1 and owner_id = $2", kColumns), id, owner));
  if (rows.empty()) {
    return fail(ErrorCode::NotFound, "job_not_found", "there is no job {}", id.value());
  }
  return job_of(rows[0]);
}

Result<bool> has_unfinished(store::Transaction& transaction, UserId owner, std::string_view kind,
                            std::string_view subject) {
  const auto rows =
      TRY(transaction.query("select 1 from jobs where owner_id = $1 and kind = $2 and subject = $3 "
                            "and state in ('queued', 'running')",
                            owner, kind, subject));
  return !rows.empty();
}

Result<std::vector<Job>> list_jobs(store::Transaction& transaction, UserId owner, size_t limit) {
  const auto rows = TRY(transaction.query(
      fmt::format("select {} from jobs where owner_id = $1 order by id desc limit $2", kColumns),
      owner, std::clamp<size_t>(limit, 1, kMaxListed)));
  std::vector<Job> jobs;
  for (const store::Row row : rows) jobs.push_back(TRY(job_of(row)));
  return jobs;
}

Result<int64_t> count_unfinished(store::Transaction& transaction, UserId owner) {
  const auto rows = TRY(transaction.query(
      "select count(*) from jobs where owner_id = $1 and state in ('queued', 'running')", owner));
  return rows[0].integer(0);
}

Result<std::optional<ClaimedJob>> claim_job(store::Transaction& transaction,
                                            std::span<const std::string> kinds,
                                            std::string_view runner, UnixTime_ms now_ms) {
  // Few jobs are queued at a time, so the kinds that have no work here are passed over by reading.
  const auto queued = TRY(
      transaction.query("select id, kind from jobs where state = 'queued' order by id limit 1000"));
  for (const store::Row candidate : queued) {
    if (std::ranges::find(kinds, candidate.text(1)) == kinds.end()) continue;
    const auto rows = TRY(transaction.query(
        fmt::format("update jobs set state = 'running', runner = $1, attempts = attempts + 1, "
                    "started_at_ms = coalesce(started_at_ms, $2) where id = $3 returning {}",
                    kColumns),
        runner, now_ms, candidate.integer(0)));
    auto job = TRY(job_of(rows[0]));
    auto checkpoint = TRY(stored_json(rows[0].text(kCheckpointColumn)));
    return ClaimedJob{.job = std::move(job), .checkpoint = std::move(checkpoint)};
  }
  return std::nullopt;
}

Result<void> requeue_of_runner(store::Transaction& transaction, std::string_view runner,
                               UnixTime_ms now_ms) {
  TRY(
      transaction.execute("update jobs set state = 'cancelled', finished_at_ms = $1 "
                          "where state = 'running' and runner = $2 and cancel_requested = 1",
                          now_ms, runner));
  TRY(transaction.execute(
      "update jobs set state = 'queued', runner = null where state = 'running' and runner = $1",
      runner));
  return {};
}

Result<bool> requeue_job(store::Transaction& transaction, const Job& claimed) {
  const int64_t changed =
      TRY(transaction.execute("update jobs set state = 'queued', runner = null "
                              "where id = $1 and state = 'running' and attempts = $2",
                              claimed.id, claimed.attempts));
  return changed > 0;
}

Result<bool> write_progress(store::Transaction& transaction, const Job& claimed,
                            const Progress& progress) {
  const int64_t changed = TRY(transaction.execute(
      "update jobs set progress_done = $1, progress_total = $2, progress_message = $3 "
      "where id = $4 and state = 'running' and attempts = $5",
      progress.done, progress.total, progress.message, claimed.id, claimed.attempts));
  return changed > 0;
}

Result<bool> write_checkpoint(store::Transaction& transaction, const Job& claimed,
                              std::string_view checkpoint) {
  const int64_t changed =
      TRY(transaction.execute("update jobs set checkpoint = $1 "
                              "where id = $2 and state = 'running' and attempts = $3",
                              checkpoint, claimed.id, claimed.attempts));
  return changed > 0;
}

Result<bool> is_to_end(store::Transaction& transaction, const Job& claimed) {
  const auto rows =
      TRY(transaction.query("select cancel_requested from jobs "
                            "where id = $1 and state = 'running' and attempts = $2",
                            claimed.id, claimed.attempts));
  return rows.empty() || rows[0].boolean(0);
}

Result<void> request_cancel(store::Transaction& transaction, JobId id) {
  TRY(transaction.execute("update jobs set cancel_requested = 1 where id = $1", id));
  return {};
}

Result<void> cancel_queued(store::Transaction& transaction, JobId id, UnixTime_ms now_ms) {
  TRY(
      transaction.execute("update jobs set state = 'cancelled', cancel_requested = 1, "
                          "finished_at_ms = $1 where id = $2 and state = 'queued'",
                          now_ms, id));
  return {};
}

JobState end_state(const Result<json::value>& outcome) {
  if (outcome) return JobState::Succeeded;
  return outcome.error().code == ErrorCode::Cancelled ? JobState::Cancelled : JobState::Failed;
}

Result<bool> finish_job(store::Transaction& transaction, const Job& claimed,
                        const Progress& progress, const Result<json::value>& outcome,
                        UnixTime_ms now_ms) {
  const JobState state = end_state(outcome);
  std::optional<std::string> code;
  std::optional<std::string> reason;
  std::optional<std::string> message;
  if (state == JobState::Failed) {
    code = faceforge::to_string(outcome.error().code);
    reason = outcome.error().reason;
    message = outcome.error().message;
  }
  TRY(write_progress(transaction, claimed, progress));
  const int64_t changed = TRY(transaction.execute(
      "update jobs set state = $1, result = $2, error_code = $3, error_reason = $4, "
      "error_message = $5, finished_at_ms = $6, runner = null "
      "where id = $7 and state = 'running' and attempts = $8",
      to_string(state), outcome ? json::to_text(*outcome) : "null", code, reason, message, now_ms,
      claimed.id, claimed.attempts));
  return changed > 0;
}

Result<void> remove_finished_before(store::Transaction& transaction,
                                    UnixTime_ms finished_before_ms) {
  TRY(transaction.execute("delete from jobs where finished_at_ms <= $1", finished_before_ms));
  return {};
}

}  // namespace faceforge::jobs::internal
