#include "search/internal/parallel.h"

#include <system_error>
#include <thread>
#include <vector>

namespace faceforge::search::internal {

void run_parts(size_t part_count, const std::function<void(size_t)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(part_count);
  size_t part = 1;
  try {
    for (; part < part_count; ++part) threads.emplace_back(work, part);
  } catch (const std::system_error&) {
    // The machine gives no more threads: this one does what is left.
  }
  for (; part < part_count; ++part) work(part);
  work(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace faceforge::search::internal
