#pragma once

#include <string_view>

namespace faceforge::detail {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message);
}  // namespace faceforge::detail

/// Stops the program on a bug, in every build. Foreign input must never reach a CHECK.
#define CHECK(condition) CHECK_MSG(condition, "")
#define CHECK_MSG(condition, message)                                                             \
  do {                                                                                            \
    if (!(condition)) ::faceforge::detail::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)
