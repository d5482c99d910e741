#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strong_id.h"
#include "store/owners.h"

namespace faceforge::jobs {

using store::UserId;
using JobId = StrongId<struct JobTag>;

enum class JobState { Queued, Running, Succeeded, Failed, Cancelled };

/// `queued`, `running`, `succeeded`, `failed`, `cancelled`.
[[nodiscard]] std::string_view to_string(JobState state);

[[nodiscard]] constexpr bool is_finished(JobState state) {
  return state != JobState::Queued && state != JobState::Running;
}

struct Progress {
  int64_t done = 0;
  int64_t total = 0;      ///< 0 while it is not known
  std::string message{};  ///< for people, at most 500 bytes are kept; never biometric
};

/// Long work of one user, as it is kept in the database.
struct Job {
  JobId id;
  UserId owner;
  std::string kind;                      ///< `train_gallery`, ...
  std::optional<std::string> subject{};  ///< what it works on: `gallery 3`
  json::value parameters;
  JobState state = JobState::Queued;
  Progress progress;
  json::value result;            ///< once succeeded; otherwise null
  std::optional<Error> error{};  ///< once failed
  bool cancel_requested = false;
  int attempts = 0;  ///< how often it was started; over 1 after a restart of the server
  UnixTime_ms created_at_ms = 0;
  std::optional<UnixTime_ms> started_at_ms{};
  std::optional<UnixTime_ms> finished_at_ms{};
};

/// Something that happened to a job. `progress` and `state` are those right after it.
struct JobEvent {
  JobId job;
  JobState state = JobState::Queued;
  Progress progress;
  UnixTime_ms at_ms = 0;
};

}  // namespace faceforge::jobs
