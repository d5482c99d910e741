#include "recognition/internal/snapshot_cache.h"

#include <utility>

namespace faceforge::recognition::internal {

SharedSnapshot SnapshotCache::find(const SnapshotKey& key) {
  const std::scoped_lock lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->key != key) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->snapshot;
  }
  return nullptr;
}

uint64_t SnapshotCache::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

void SnapshotCache::drop_if(const auto& condition) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (!condition(*entry)) {
      ++entry;
      continue;
    }
    used_bytes_ -= entry->snapshot->memory_bytes();
    entry = entries_.erase(entry);
  }
}

void SnapshotCache::keep(const SnapshotKey& key, SharedSnapshot snapshot, uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation != generation_ || snapshot->memory_bytes() > limit_bytes_) return;
  drop_if([&](const Entry& entry) {
    return entry.key.gallery == key.gallery && entry.key.version == key.version;
  });
  used_bytes_ += snapshot->memory_bytes();
  entries_.push_front({key, std::move(snapshot)});
  while (used_bytes_ > limit_bytes_) {
    used_bytes_ -= entries_.back().snapshot->memory_bytes();
    entries_.pop_back();
  }
}

void SnapshotCache::forget(gallery::GalleryId gallery) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  drop_if([&](const Entry& entry) { return entry.key.gallery == gallery; });
}

void SnapshotCache::forget_all() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  drop_if([](const Entry&) { return true; });
}

}  // namespace faceforge::recognition::internal
