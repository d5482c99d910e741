#include "nn/thread_team.h"

#include <cstdlib>

#include <omp.h>

namespace faceforge::nn {
namespace {

/// Whether the user has said where threads belong: also that they belong nowhere.
bool user_places_threads() {
  static const bool places =
      omp_get_proc_bind() != omp_proc_bind_false || std::getenv("OMP_PROC_BIND") != nullptr;
  return places;
}

/// Keeps the calling thread on the processor that comes at `index` among those allowed.
void stay_on(const cpu_set_t& allowed, int index) {
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &allowed) || index-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

}  // namespace

ThreadCount::ThreadCount(int count) : before_(omp_get_max_threads()) {
  if (count != before_) omp_set_num_threads(count);
}

ThreadCount::~ThreadCount() {
  if (omp_get_max_threads() != before_) omp_set_num_threads(before_);
}

ThreadPlaces::ThreadPlaces(int thread_count) {
  if (thread_count < 2 || user_places_threads() || omp_in_parallel() != 0 ||
      sched_getaffinity(0, sizeof(before_), &before_) != 0 || CPU_COUNT(&before_) != thread_count) {
    return;
  }
  is_bound_ = true;
#pragma omp parallel num_threads(thread_count)
  stay_on(before_, omp_get_thread_num());
}

ThreadPlaces::~ThreadPlaces() {
  if (is_bound_) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace faceforge::nn
