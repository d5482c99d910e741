#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "jobs/internal/events.h"
#include "jobs/internal/job_table.h"
#include "jobs/jobs.h"

namespace faceforge::jobs::internal {

/// JSON that is to be stored, as text.
///
/// fails: too_large/json_too_large; invalid_input/json_malformed when it is deeper than
///        `json::parse` reads, or has text that is not UTF-8
[[nodiscard]] Result<std::string> storable_json(const json::value& document, size_t limit_bytes);

inline constexpr size_t kMaxParameters_bytes = 64 * 1024;
inline constexpr size_t kMaxCheckpoint_bytes = 1024 * 1024;
inline constexpr size_t kMaxResult_bytes = 1024 * 1024;
inline constexpr size_t kMaxMessage_bytes = 500;

/// A job that a worker is running: what `cancel` and `stop` reach it by.
struct Running {
  std::stop_source stop;
  std::atomic<bool> cancelled = false;
  std::mutex mutex;
  JobEvent latest;  // guarded by mutex
};

struct State {
  State(std::shared_ptr<store::Database> opened, const Clock& now, const Options& chosen);

  void work_until_stopped();
  [[nodiscard]] Result<std::optional<ClaimedJob>> claim();
  void run(const ClaimedJob& claimed);
  /// Both: whether the job was still this run's.
  [[nodiscard]] Result<bool> lay_down(const Job& claimed);
  [[nodiscard]] Result<bool> keep_end(const Job& claimed, const Progress& progress,
                                      Result<json::value> outcome);
  void wait_for_work(uint64_t seen_wakes);
  void wake();

  [[nodiscard]] std::shared_ptr<Running> running_job(JobId id);
  [[nodiscard]] JobEvent present(const Job& job);
  void publish(Running& running, JobState state, const Progress& progress);
  void publish_as_kept(const Job& claimed);

  const std::shared_ptr<store::Database> database;
  const Clock& clock;
  const Options options;
  Events events;

  std::map<std::string, Work, std::less<>> kinds;  // fixed by `start`
  std::vector<std::string> kind_names;

  // One worker looks for work at a time: more would only be in the way. Taken too to queue again
  // what was interrupted.
  std::mutex claiming;

  std::mutex mutex;
  std::condition_variable woken;
  uint64_t wakes = 0;                                 // guarded by mutex
  std::map<JobId, std::shared_ptr<Running>> running;  // guarded by mutex
  std::atomic<bool> stopping = false;
  std::vector<std::jthread> workers;
};

}  // namespace faceforge::jobs::internal
