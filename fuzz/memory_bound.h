#pragma once

#include <cstddef>
#include <cstdio>

#include <sys/resource.h>

namespace faceforge::fuzz {

/// Holds the program to this much memory, so that a file that asks for more is found: its
/// allocation fails. Not under a sanitizer, whose own bookkeeping is larger than any bound.
inline void bound_memory([[maybe_unused]] size_t limit_bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const struct rlimit limit { limit_bytes, limit_bytes };
  if (setrlimit(RLIMIT_AS, &limit) != 0) std::perror("setrlimit");
#endif
}

/// The most memory that the program held so far, in MB.
inline long peak_megabytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace faceforge::fuzz
