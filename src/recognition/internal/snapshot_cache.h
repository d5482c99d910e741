#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

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
  explicit SnapshotCache(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Nothing, or what `keep` kept under this very key.
  [[nodiscard]] SharedSnapshot find(const SnapshotKey& key);

  /// Counts the calls of `forget`; a snapshot that was read before one must not be kept after it.
  [[nodiscard]] uint64_t generation() const;

  /// Keeps a snapshot, unless something was forgotten since `generation` or it alone is over the
  /// bound; those used longest ago make room. Older states of the same version go.
  void keep(const SnapshotKey& key, SharedSnapshot snapshot, uint64_t generation);

  /// Drops everything of a gallery.
  void forget(gallery::GalleryId gallery);
  void forget_all();

 private:
  struct Entry {
    SnapshotKey key{};
    SharedSnapshot snapshot{};
  };

  void drop_if(const auto& condition);

  const size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< used last first
  size_t used_bytes_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace faceforge::recognition::internal
