#pragma once

#include <cstddef>
#include <functional>

namespace faceforge::search::internal {

/// Runs `work(part)` for every part and waits for all: the last parts on threads of their own, as
/// far as the machine gives them.
void run_parts(size_t part_count, const std::function<void(size_t)>& work);

}  // namespace faceforge::search::internal
