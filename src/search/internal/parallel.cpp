#include "search/internal/parallel.h"

#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.h"

namespace faceforge::search::internal {

void run_parts(size_t part_count, const std::function<void(size_t)>& work) {
  CHECK(part_count >= 1);
  std::vector<std::exception_ptr> failures(part_count);
  const auto attempt = [&](size_t part) {
    try {
      work(part);
    } catch (...) {
      failures[part] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(part_count - 1);
    size_t part = 1;
    try {
      for (; part < part_count; ++part) threads.emplace_back(attempt, part);
    } catch (const std::system_error&) {
      // The machine gives no more threads: this one does what is left.
    }
    for (; part < part_count; ++part) attempt(part);
    attempt(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace faceforge::search::internal
