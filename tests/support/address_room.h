#pragma once

#include <cstddef>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace faceforge::test {

/// Limits the addresses of this process to those that it has and `room_bytes` more.
inline void leave_room(size_t room_bytes) {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + room_bytes;
  const struct rlimit addresses { limit, limit };
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &addresses), 0);
}

}  // namespace faceforge::test
