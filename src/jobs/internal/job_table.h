#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jobs/job.h"
#include "jobs/jobs.h"
#include "store/database.h"

namespace faceforge::jobs::internal {

/// A job that this runner has just begun, with where its last run had come to.
struct ClaimedJob {
  Job job;
  json::value checkpoint;
};

/// The statements on the table of jobs; each is part of the caller's transaction.
///
/// fails (all of them): see `store::Transaction`
[[nodiscard]] Result<Job> insert_job(store::Transaction& transaction, UserId owner,
                                     const NewJob& job, UnixTime_ms now_ms);

/// fails: not_found/job_not_found
[[nodiscard]] Result<Job> find_job(store::Transaction& transaction, UserId owner, JobId id);

[[nodiscard]] Result<bool> has_unfinished(store::Transaction& transaction, UserId owner,
                                          std::string_view kind, std::string_view subject);

[[nodiscard]] Result<std::vector<Job>> list_jobs(store::Transaction& transaction, UserId owner,
                                                 size_t limit);

[[nodiscard]] Result<int64_t> count_unfinished(store::Transaction& transaction, UserId owner);

/// Begins the oldest queued job of one of `kinds`; nothing when there is none.
[[nodiscard]] Result<std::optional<ClaimedJob>> claim_job(store::Transaction& transaction,
                                                          std::span<const std::string> kinds,
                                                          std::string_view runner,
                                                          UnixTime_ms now_ms);

/// Queues again what a runner has begun and not finished; what was to be cancelled ends.
[[nodiscard]] Result<void> requeue_of_runner(store::Transaction& transaction,
                                             std::string_view runner, UnixTime_ms now_ms);

/// What a run says of its job, which is as `claim_job` gave it. It counts only as long as the job
/// is this run's: whoever takes a job up again counts its attempts up.
///
/// out: whether it was still this run's; otherwise nothing was changed
[[nodiscard]] Result<bool> requeue_job(store::Transaction& transaction, const Job& claimed);
[[nodiscard]] Result<bool> write_progress(store::Transaction& transaction, const Job& claimed,
                                          const Progress& progress);
[[nodiscard]] Result<bool> write_checkpoint(store::Transaction& transaction, const Job& claimed,
                                            std::string_view checkpoint);

/// How a job ended: its result, or the error it failed with. An error of the code `Cancelled` ends
/// it as cancelled.
[[nodiscard]] Result<bool> finish_job(store::Transaction& transaction, const Job& claimed,
                                      const Progress& progress, const Result<json::value>& outcome,
                                      UnixTime_ms now_ms);

/// Whether a run is to end: the owner of its job asked for that, or the job is this run's no more.
[[nodiscard]] Result<bool> is_to_end(store::Transaction& transaction, const Job& claimed);

[[nodiscard]] Result<void> request_cancel(store::Transaction& transaction, JobId id);
[[nodiscard]] Result<void> cancel_queued(store::Transaction& transaction, JobId id,
                                         UnixTime_ms now_ms);

[[nodiscard]] Result<void> remove_finished_before(store::Transaction& transaction,
                                                  UnixTime_ms finished_before_ms);

[[nodiscard]] JobState end_state(const Result<json::value>& outcome);

}  // namespace faceforge::jobs::internal
