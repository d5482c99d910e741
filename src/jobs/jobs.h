#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "jobs/job.h"
#include "store/database.h"
#include "store/migrate.h"

namespace faceforge::jobs {

namespace internal {
struct State;
}

/// The tables of this module; they come after `store::owner_migrations()`.
[[nodiscard]] std::vector<store::Migration> migrations();

/// What running work is given.
class JobContext {
 public:
  virtual ~JobContext() = default;

  [[nodiscard]] virtual const Job& job() const = 0;

  /// What the last run of this job saved before it was interrupted; null at the first run.
  [[nodiscard]] virtual const json::value& checkpoint() const = 0;

  /// Reports progress to subscribers, and to the database at most every `Options::progress_every`.
  /// Work calls it at least about once a second, because this is where it learns to stop.
  ///
  /// fails: cancelled/job_cancelled when the user asked for it, or when another server has taken
  ///        the job up; cancelled/job_interrupted when the server is shutting down. The work passes
  ///        either on, but for job_cancelled where what it has done already is a result.
  [[nodiscard]] virtual Result<void> report(int64_t done, int64_t total,
                                            std::string_view message) = 0;

  /// Saves where to go on after a restart.
  ///
  /// in:    at most 1 MiB as JSON
  /// fails: too_large/json_too_large; invalid_input/json_malformed when it is too deep or has text
  ///        that is not UTF-8; cancelled/job_cancelled when another server has taken the job up;
  ///        see `store::Transaction`
  [[nodiscard]] virtual Result<void> save_checkpoint(const json::value& checkpoint) = 0;

  /// Asked to stop, for loops that pass it on.
  [[nodiscard]] virtual std::stop_token stop_token() const = 0;
};

/// The work of one kind of job: a value (at most 1 MiB as JSON) is the job's result, an error its
/// failure. It may run again from the checkpoint after a crash, so each step is done at least once.
/// How it ended is written as soon as the database can take it, be the disk full meanwhile; it runs
/// again only when the server ends before that, or the database refuses it for another reason than
/// what it is. The work of a job that another server has taken up meanwhile is dropped.
using Work = std::function<Result<json::value>(JobContext&)>;

struct NewJob {
  std::string kind;
  /// With a subject, an owner has one unfinished job of a kind and subject at a time.
  std::optional<std::string> subject{};
  json::value parameters = nullptr;  ///< at most 64 KiB as JSON
};

using EventQueue = BoundedQueue<JobEvent>;

struct Options {
  int running_max = 2;
  size_t unfinished_per_owner_max = 100;
  std::chrono::milliseconds progress_every{500};  ///< between writes of progress to the database
  std::chrono::milliseconds poll_every{1000};     ///< for jobs queued by another process
  /// Between attempts to write how a job ended, when the database cannot take it: from `poll_every`
  /// up to this.
  std::chrono::milliseconds retry_end_every_max{30'000};
  std::chrono::milliseconds finished_kept_for = std::chrono::days(30);
  size_t events_per_subscriber_max = 256;
  size_t subscribers_max = 1000;
  /// This server among those that share the database. At its start it takes up again what it was
  /// running when it ended, so two servers never share a name.
  std::string runner = "main";
};

/// Long work of users: kept in the database, run here. Thread safe. Every call names the owner;
/// someone else's job is not_found.
class Jobs {
 public:
  Jobs(std::shared_ptr<store::Database> database, const Clock& clock, const Options& options = {});

  /// Stops as `stop` does.
  ~Jobs();

  /// Says how to run a kind; before `start`. A kind without work stays queued.
  void add_kind(std::string kind, Work work);

  /// Queues again what this runner was running when its last process ended, then begins to run.
  ///
  /// fails: see `store::Transaction`
  [[nodiscard]] Result<void> start();

  /// Asks running work to stop, waits for it, and leaves it queued for the next start. Nothing is
  /// begun any more.
  void stop();

  /// Queues a job.
  ///
  /// fails: conflict/job_already_running for this owner, kind and subject;
  ///        busy/too_many_jobs beyond `unfinished_per_owner_max`;
  ///        too_large/job_parameters_too_large; invalid_input/job_kind_unknown when no work was
  ///        added for it
  [[nodiscard]] Result<Job> create(UserId owner, const NewJob& job);

  /// fails: not_found/job_not_found
  [[nodiscard]] Result<Job> get(UserId owner, JobId id);

  /// The newest jobs, at most `limit` (1 to 1000), newest first.
  [[nodiscard]] Result<std::vector<Job>> list(UserId owner, size_t limit = 100);

  /// Whether a job of a kind and subject is queued or running.
  ///
  /// fails: see `store::Transaction`
  [[nodiscard]] Result<bool> has_unfinished(UserId owner, std::string_view kind,
                                            std::string_view subject);

  /// Ends a queued job at once; asks a running one to stop. A finished one is left as it is.
  ///
  /// fails: not_found/job_not_found
  [[nodiscard]] Result<Job> cancel(UserId owner, JobId id);

  /// Events of a job from now on, beginning with one that tells the present state. The queue is
  /// closed after the last event. A reader that is slow misses events of progress but never the
  /// end: once the queue is closed and drained, `get` has the final state. Drop the pointer to
  /// unsubscribe.
  ///
  /// fails: not_found/job_not_found; busy/too_many_subscribers
  [[nodiscard]] Result<std::shared_ptr<EventQueue>> subscribe(UserId owner, JobId id);

  /// Removes jobs that finished longer ago than they are kept. The server calls it hourly.
  [[nodiscard]] Result<void> sweep();

 private:
  std::unique_ptr<internal::State> state_;
};

}  // namespace faceforge::jobs
