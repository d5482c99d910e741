#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "jobs/jobs.h"

namespace faceforge::jobs::internal {

/// Hands events of jobs to whoever listens, without ever waiting for a listener. Thread safe.
class Events {
 public:
  Events(size_t events_per_subscriber_max, size_t subscribers_max)
      : events_per_subscriber_max_(events_per_subscriber_max), subscribers_max_(subscribers_max) {}

  /// Begins to listen to a job; `present` is the first event.
  ///
  /// fails: busy/too_many_subscribers
  [[nodiscard]] Result<std::shared_ptr<EventQueue>> subscribe(const JobEvent& present);

  /// Tells the job's listeners; with a state that is final their queues are closed. A queue that is
  /// full misses the event.
  void publish(const JobEvent& event);

  /// Closes every queue: the server stops.
  void close();

 private:
  using Listeners = std::vector<std::weak_ptr<EventQueue>>;

  void forget_gone();

  const size_t events_per_subscriber_max_;
  const size_t subscribers_max_;
  std::mutex mutex_;
  std::unordered_map<JobId, Listeners> listeners_;
};

}  // namespace faceforge::jobs::internal
