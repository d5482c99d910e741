#pragma once

#include <cstddef>
#include <functional>

namespace faceforge::search::internal {

/// Runs `work(part)` for every part and waits for all: the first on this thread, the others on
/// threads of their own, as far as the machine gives them. What a part throws is thrown here once
/// all have ended; of several, what the lowest one threw.
///
/// in: `part_count` 1 or more (a CHECK)
void run_parts(size_t part_count, const std::function<void(size_t)>& work);

}  // namespace faceforge::search::internal
