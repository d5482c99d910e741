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
#define TRY(...)                                                                      \
  __extension__({                                                                     \
    auto try_result_ = (__VA_ARGS__);                                                 \
    if (!try_result_) return ::faceforge::Unexpected(std::move(try_result_).error()); \
    *std::move(try_result_);                                                          \
  })
