#include "accounts/internal/attempt_throttle.h"

#include <algorithm>

namespace faceforge::accounts::internal {
namespace {

constexpr int kMaxDoublings = 30;

}  // namespace

std::chrono::milliseconds AttemptThrottle::wait_after(int attempts) const {
  if (attempts < limits_.free_attempts) return std::chrono::milliseconds(0);
  const int doublings = std::min(attempts - limits_.free_attempts, kMaxDoublings);
  return std::min(limits_.first_wait * (int64_t{1} << doublings), limits_.longest_wait);
}

Result<void> AttemptThrottle::admit(const std::string& key, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  const UnixTime_ms now_ms = clock_.now_ms();
  auto found = records_.find(key);
  if (found != records_.end() &&
      now_ms - found->second.last_at_ms >= limits_.forgotten_after.count()) {
    found->second = {};
  }
  if (found != records_.end()) {
    const UnixTime_ms open_at_ms =
        found->second.last_at_ms + wait_after(found->second.attempts).count();
    if (now_ms < open_at_ms) {
      return fail(ErrorCode::Busy, reason, "too many attempts; try again in {} s",
                  (open_at_ms - now_ms + 999) / 1000);
    }
  } else {
    if (records_.size() >= limits_.keys_max) make_room();
    found = records_.emplace(key, Record{}).first;
  }
  ++found->second.attempts;
  found->second.last_at_ms = now_ms;
  return {};
}

void AttemptThrottle::make_room() {
  const UnixTime_ms now_ms = clock_.now_ms();
  std::erase_if(records_, [&](const auto& entry) {
    return now_ms - entry.second.last_at_ms >= limits_.forgotten_after.count();
  });
  if (records_.size() < limits_.keys_max) return;
  records_.erase(std::ranges::min_element(records_, {}, [](const auto& entry) {
    return std::pair(entry.second.attempts, entry.second.last_at_ms);
  }));
}

void AttemptThrottle::forget(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  records_.erase(key);
}

void AttemptThrottle::take_back(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = records_.find(key);
  if (found == records_.end()) return;
  if (--found->second.attempts <= 0) records_.erase(found);
}

}  // namespace faceforge::accounts::internal
