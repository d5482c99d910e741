#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.h"
#include "gallery/snapshot.h"

namespace faceforge::recognition::internal {

/// What a snapshot shows: a version as it is at one revision of its gallery. A deletion by any
/// process raises the revision, so that a stale snapshot is never found again.
struct SnapshotKey {
  gallery::GalleryId gallery{};
  int64_t version = 0;
  int64_t revision = 0;
  auto operator<=>(const SnapshotKey&) const = default;
};

using SharedSnapshot = std::shared_ptr<const gallery::Snapshot>;

/// The snapshots used last, within a bound on their memory. Thread safe.
class SnapshotCache {
 public:
  using Load = std::function<Result<SharedSnapshot>()>;

  explicit SnapshotCache(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Nothing, or what is kept under this very key.
  [[nodiscard]] SharedSnapshot find(const SnapshotKey& key);

  /// Finds a snapshot, or loads it: once, however many threads ask for it meanwhile; they wait and
  /// share what came of it. It is kept unless something was forgotten while it was loaded, or it
  /// alone is over the bound; those used longest ago make room, and older states of the same
  /// version go. Whoever asks after a forgetting loads anew.
  ///
  /// in:    `load` must not ask this cache for the same key
  /// fails: as `load`; a failure is not kept
  [[nodiscard]] Result<SharedSnapshot> find_or_load(const SnapshotKey& key, const Load& load);

  /// Drops everything of a gallery.
  void forget(gallery::GalleryId gallery);
  void forget_all();

 private:
  struct Entry {
    SnapshotKey key{};
    SharedSnapshot snapshot{};
  };
  /// A load under way, and how many forgettings were before it.
  using Flight = std::pair<SnapshotKey, uint64_t>;
  using Outcome = std::shared_future<Result<SharedSnapshot>>;

  SharedSnapshot find_locked(const SnapshotKey& key);
  void keep_locked(const SnapshotKey& key, SharedSnapshot snapshot);
  void drop_if(const auto& condition);

  const size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< used last first
  size_t used_bytes_ = 0;
  uint64_t generation_ = 0;            ///< counts forgettings
  std::map<Flight, Outcome> flights_;  ///< bounded by the threads that ask
};

}  // namespace faceforge::recognition::internal
