#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include "base/result.h"

namespace faceforge {

/// How long work is watched and ended early. `report` is called from any thread, one call at a
/// time.
struct Supervision {
  std::function<void(size_t done_count, size_t total_count)> report = {};
  std::stop_token stop = {};
};

/// As many threads as there are cores.
[[nodiscard]] size_t every_core();

/// Does `work(0)` to `work(count - 1)`, each once, on as many threads as asked for.
///
/// in:    `work` keeps its own result and throws nothing
/// fails: cancelled/cancelled when asked to stop; what is begun is finished first
[[nodiscard]] Result<void> work_through(size_t count, const std::function<void(size_t index)>& work,
                                        size_t thread_count, const Supervision& supervision);

}  // namespace faceforge
