#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace faceforge::cli {

/// Computes `compute(0)` to `compute(count - 1)` on several threads and hands each outcome to
/// `consume(index, outcome)` in order, on the calling thread. Only a few outcomes wait at a time,
/// however slow the first of them is.
///
/// What either of them throws is thrown here, once the threads have ended.
///
/// out: how many were consumed: `count`, or fewer after a stop, the first ones without a gap
template <typename Compute, typename Consume>
size_t compute_in_order(size_t count, size_t thread_count, const std::stop_token& stop,
                        Compute compute, Consume consume) {
  using Outcome = decltype(compute(size_t{0}));
  const size_t window = 4 * thread_count;  // computed or being computed, and not yet consumed
  std::mutex mutex;
  std::condition_variable_any changed;
  std::map<size_t, Outcome> waiting;
  size_t next_index = 0;
  size_t consumed_count = 0;
  bool stopped = false;
  size_t running_count = 0;

  std::exception_ptr thrown;

  const auto work = [&] {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, stop, [&] {
        return stopped || next_index >= count || next_index < consumed_count + window;
      });
      stopped = stopped || stop.stop_requested();
      if (stopped || next_index >= count) return;
      const size_t index = next_index++;
      ++running_count;
      lock.unlock();
      try {
        Outcome outcome = compute(index);
        lock.lock();
        waiting.emplace(index, std::move(outcome));
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        thrown = std::current_exception();
        stopped = true;
      }
      --running_count;
      changed.notify_all();
    }
  };

  const auto consume_all = [&] {
    std::unique_lock lock(mutex);
    while (consumed_count < count) {
      changed.wait(lock, stop, [&] { return thrown || waiting.contains(consumed_count); });
      if (thrown) std::rethrow_exception(thrown);
      if (stop.stop_requested() && !waiting.contains(consumed_count)) {
        stopped = true;
        changed.wait(lock, [&] { return running_count == 0; });  // what is begun is finished
        if (!waiting.contains(consumed_count)) break;
      }
      auto outcome = waiting.extract(consumed_count);
      lock.unlock();
      consume(outcome.key(), std::move(outcome.mapped()));
      lock.lock();
      ++consumed_count;
      changed.notify_all();
    }
  };

  std::vector<std::jthread> threads;
  try {
    for (size_t i = 0; i < thread_count; ++i) threads.emplace_back(work);
    consume_all();
  } catch (...) {
    {
      const std::scoped_lock lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    throw;
  }
  return consumed_count;
}

}  // namespace faceforge::cli
