#include "jobs/internal/events.h"

#include <algorithm>

#include "base/check.h"

namespace faceforge::jobs::internal {

Result<std::shared_ptr<EventQueue>> Events::subscribe(const JobEvent& present) {
  const std::scoped_lock lock(mutex_);
  forget_gone();
  size_t count = 0;
  for (const auto& [id, listeners] : listeners_) count += listeners.size();
  if (count >= subscribers_max_) {
    return fail(ErrorCode::Busy, "too_many_subscribers",
                "{} listen to jobs already; the limit is {}", count, subscribers_max_);
  }
  auto queue = std::make_shared<EventQueue>(events_per_subscriber_max_);
  CHECK(queue->try_push(present));
  if (is_finished(present.state)) {
    queue->close();
  } else {
    listeners_[present.job].push_back(queue);
  }
  return queue;
}

void Events::publish(const JobEvent& event) {
  const std::scoped_lock lock(mutex_);
  const auto found = listeners_.find(event.job);
  if (found == listeners_.end()) return;
  for (const auto& listener : found->second) {
    const auto queue = listener.lock();
    if (queue == nullptr) continue;
    // Whoever is too slow for an event asks for the state when the queue has ended.
    std::ignore = queue->try_push(event);
    if (is_finished(event.state)) queue->close();
  }
  if (is_finished(event.state)) listeners_.erase(found);
}

void Events::close() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, listeners] : listeners_) {
    for (const auto& listener : listeners) {
      if (const auto queue = listener.lock()) queue->close();
    }
  }
  listeners_.clear();
}

void Events::forget_gone() {
  for (auto& [id, listeners] : listeners_) {
    std::erase_if(listeners, [](const auto& listener) { return listener.expired(); });
  }
  std::erase_if(listeners_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace faceforge::jobs::internal
