#pragma once

#include <sched.h>

namespace faceforge::nn {

/// Within its scope, what the calling thread runs in parallel uses this many threads.
class ThreadCount {
 public:
  explicit ThreadCount(int count);
  ~ThreadCount();
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// Within its scope, each of the threads that share the caller's work stays on a processor of its
/// own, where they are as many as the processors that the caller may use; where they are fewer or
/// more, or the user has told OpenMP where they belong (OMP_PROC_BIND, OMP_PLACES,
/// GOMP_CPU_AFFINITY), nothing is done. Without it two of them that
/// were woken on one processor may stay there for seconds, each asleep while the other computes, so
/// that no processor seems to have too much to do; a network took 100 ms on two cores instead of 26
/// (decision 30). Afterwards the caller may run wherever it could before; its helpers, which do
/// nothing else, stay where they are.
class ThreadPlaces {
 public:
  explicit ThreadPlaces(int thread_count);
  ~ThreadPlaces();
  ThreadPlaces(const ThreadPlaces&) = delete;
  ThreadPlaces& operator=(const ThreadPlaces&) = delete;

 private:
  bool is_bound_ = false;
  cpu_set_t before_;
};

}  // namespace faceforge::nn
