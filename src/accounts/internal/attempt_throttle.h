#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"

namespace faceforge::accounts::internal {

/// Slows down whoever tries again and again: some attempts are free, then each makes the next one
/// wait twice as long. Kept in memory, of bounded size: a restart forgets, which costs an attacker
/// more than it gains. Thread safe.
class AttemptThrottle {
 public:
  struct Limits {
    int free_attempts = 5;
    std::chrono::milliseconds first_wait{1000};
    std::chrono::milliseconds longest_wait = std::chrono::minutes(15);
    std::chrono::milliseconds forgotten_after = std::chrono::hours(1);  ///< of quiet
    size_t keys_max = 10'000;  ///< beyond it the key with the fewest attempts is forgotten
  };

  AttemptThrottle(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}

  /// Counts an attempt before its outcome is known, so that many at once are not free.
  ///
  /// fails: busy/`reason`, naming the seconds to wait
  [[nodiscard]] Result<void> admit(const std::string& key, const std::string& reason);

  /// Forgets the attempts of a key: the last one succeeded.
  void forget(const std::string& key);

  /// Takes one attempt back: it succeeded, but says nothing of the key's others.
  void take_back(const std::string& key);

 private:
  struct Record {
    int attempts = 0;
    UnixTime_ms last_at_ms = 0;
  };

  [[nodiscard]] std::chrono::milliseconds wait_after(int attempts) const;
  void make_room();

  const Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  std::unordered_map<std::string, Record> records_;
};

}  // namespace faceforge::accounts::internal
