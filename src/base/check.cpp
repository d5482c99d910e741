#include "base/check.h"

#include <cstdlib>

#include <fmt/format.h>

namespace faceforge::detail {

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  fmt::print(stderr, "{}:{}: CHECK({}) failed{}{}\n", file, line, condition,
             message.empty() ? "" : ": ", message);
  std::abort();
}

}  // namespace faceforge::detail
