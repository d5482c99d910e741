#include "nn/arena_pool.h"

#include <algorithm>
#include <utility>

namespace faceforge::nn {
namespace {

/// As many as a server has cores that run a network at once.
constexpr size_t kIdleArenas = 16;

}  // namespace

Arena::Arena(size_t bytes)
    : memory_(new (std::align_val_t{kAlignment_bytes}) std::byte[std::max<size_t>(1, bytes)]),
      size_bytes_(bytes) {}

ArenaPool::ArenaPool(size_t limit_bytes) : limit_bytes_(limit_bytes) {
  idle_.reserve(kIdleArenas);
}

Arena ArenaPool::take(std::vector<Arena>::iterator place) {
  std::swap(*place, idle_.back());
  Arena arena = std::move(idle_.back());
  idle_.pop_back();
  idle_bytes_ -= arena.size_bytes();
  return arena;
}

Arena ArenaPool::borrow(size_t bytes, const std::byte* last) {
  {
    const std::scoped_lock lock(mutex_);
    auto best = idle_.end();
    for (auto arena = idle_.begin(); arena != idle_.end(); ++arena) {
      if (arena->size_bytes() < bytes) continue;
      if (arena->data() == last) return take(arena);
      if (best == idle_.end() || arena->size_bytes() < best->size_bytes()) best = arena;
    }
    if (best != idle_.end()) return take(best);
    // Freed before the larger one is allocated.
    if (!idle_.empty()) (void)take(std::ranges::max_element(idle_, {}, &Arena::size_bytes));
  }
  return Arena(bytes);
}

void ArenaPool::give_back(Arena arena) {
  const std::scoped_lock lock(mutex_);
  if (idle_.size() >= kIdleArenas || arena.size_bytes() > limit_bytes_ - idle_bytes_) return;
  idle_bytes_ += arena.size_bytes();
  idle_.push_back(std::move(arena));
}

size_t ArenaPool::idle_bytes() const {
  const std::scoped_lock lock(mutex_);
  return idle_bytes_;
}

}  // namespace faceforge::nn
