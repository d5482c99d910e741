#pragma once

#include <exception>
#include <new>

#include "base/result.h"

namespace faceforge {

/// Calls `work` and makes an error of what it throws. Nothing of ours throws but for want of
/// memory, and foreign libraries may: where a thread or the program begins, that is the end of it.
///
/// in:    `work()` returns a Result
/// fails: as `work`; exhausted/out_of_memory; internal/unexpected_exception with its words
template <typename Work>
[[nodiscard]] auto without_throwing(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for this");
  } catch (const std::exception& exception) {
    return fail(ErrorCode::Internal, "unexpected_exception", "{}", exception.what());
  }
}

}  // namespace faceforge
