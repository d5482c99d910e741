#pragma once

#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace faceforge {

/// A value, or an expected failure. Bugs are not Results: they are CHECKs.
template <typename T>
using Result = std::expected<T, Error>;

using Unexpected = std::unexpected<Error>;

/// Makes a failure: `return fail(ErrorCode::TooLarge, "photo_too_large", "{} bytes; the limit is
/// {}", n, limit);`
template <typename... Args>
[[nodiscard]] Unexpected fail(ErrorCode code, std::string reason,
                              fmt::format_string<Args...> format, Args&&... args) {
  return Unexpected(
      Error{code, std::move(reason), fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace faceforge

/// Unwraps a Result or returns its error from the enclosing function. A GNU statement expression
/// (g++ and clang): the value is moved out, so `auto image = TRY(decode(bytes));` copies nothing.
/// Write it as a whole initializer, statement or argument, never inside an initializer's braces nor
/// in a lambda's captures: when it returns early there, g++ 12 does not destroy the members that
/// were built before it, and what they own leaks (tools/check_try finds such places).
#define TRY(...)                                                                      \
  __extension__({                                                                     \
    auto try_result_ = (__VA_ARGS__);                                                 \
    if (!try_result_) return ::faceforge::Unexpected(std::move(try_result_).error()); \
    *std::move(try_result_);                                                          \
  })
