#include "base/parallel_work.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.h"

namespace faceforge {

size_t every_core() {
  return std::max(1U, std::thread::hardware_concurrency());
}

Result<void> work_through(size_t count, const std::function<void(size_t index)>& work,
                          size_t thread_count, const Supervision& supervision) {
  CHECK(thread_count > 0);
  std::atomic<size_t> next_index = 0;
  std::mutex report_mutex;
  size_t done_count = 0;
  const auto work_on = [&] {
    while (!supervision.stop.stop_requested()) {
      const size_t index = next_index.fetch_add(1);
      if (index >= count) return;
      work(index);
      const std::scoped_lock lock(report_mutex);
      ++done_count;
      if (supervision.report) supervision.report(done_count, count);
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (size_t i = 1; i < std::min(thread_count, count); ++i) threads.emplace_back(work_on);
    } catch (const std::system_error&) {
      // Fewer threads do it too.
    }
    work_on();
  }
  if (done_count == count) return {};
  return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} photos", done_count,
              count);
}

}  // namespace faceforge
