#pragma once

#include <chrono>
#include <ctime>

namespace faceforge::test {

/// The processor time that this thread has taken: what a piece of work costs however many others
/// want the processor meanwhile.
inline std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace faceforge::test
