#include "recognition/internal/snapshot_cache.h"

#include <new>
#include <utility>

namespace faceforge::recognition::internal {

SharedSnapshot SnapshotCache::find(const SnapshotKey& key) {
  const std::scoped_lock lock(mutex_);
  return find_locked(key);
}

SharedSnapshot SnapshotCache::find_locked(const SnapshotKey& key) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->key != key) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->snapshot;
  }
  return nullptr;
}

Result<SharedSnapshot> SnapshotCache::find_or_load(const SnapshotKey& key, const Load& load) {
  std::promise<Result<SharedSnapshot>> promise;
  Flight flight;
  Outcome of_another;
  {
    const std::scoped_lock lock(mutex_);
    if (auto kept = find_locked(key)) return kept;
    flight = {key, generation_};
    const auto [place, is_first] = flights_.try_emplace(flight);
    if (is_first) {
      place->second = promise.get_future().share();
    } else {
      of_another = place->second;
    }
  }
  if (of_another.valid()) return of_another.get();
  auto loaded = [&]() -> Result<SharedSnapshot> {
    try {
      return load();
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for the gallery");
    }
  }();
  {
    const std::scoped_lock lock(mutex_);
    flights_.erase(flight);
    if (loaded && flight.second == generation_) keep_locked(key, *loaded);
  }
  promise.set_value(loaded);
  return loaded;
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

void SnapshotCache::keep_locked(const SnapshotKey& key, SharedSnapshot snapshot) {
  if (snapshot->memory_bytes() > limit_bytes_) return;
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
