#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/shares.h"
#include "gallery/galleries.h"
#include "recognition/track_record.h"

namespace faceforge::recognition {

/// Writes what recorded streams hand over, on a thread of its own: pictures are encoded and rows
/// written there, and a stream never waits. Whatever comes while the queue is full, or has as much
/// of one account as that may have in it, is counted and lost. Thread safe.
class Recorder {
 public:
  /// Records that wait, or are being written, at most; 28 MB of pictures.
  static constexpr size_t kMaxWaiting = 64;
  /// Of one account: whatever it does, half of the places are for the others.
  static constexpr size_t kMaxWaitingOfOne = 32;

  /// `galleries` outlives this object. The thread begins with the first record.
  explicit Recorder(gallery::Galleries& galleries);

  /// Writes what waits, and ends.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Hands records of a gallery's stream over.
  ///
  /// in: `began_ms` when the clock of the records' times was 0
  void keep(gallery::UserId user, gallery::GalleryId gallery, std::vector<TrackRecord> records,
            UnixTime_ms began_ms);

 private:
  struct Waiting {
    gallery::UserId user{};
    gallery::GalleryId gallery{};
    TrackRecord record{};
    UnixTime_ms began_ms = 0;
    Share place;  ///< given back once it is written
  };

  [[nodiscard]] bool is_running();
  void run();
  [[nodiscard]] Result<void> write(const Waiting& waiting);

  gallery::Galleries& galleries_;
  Shares places_{{.all = kMaxWaiting, .each = kMaxWaitingOfOne}};
  BoundedQueue<Waiting> queue_{kMaxWaiting};
  std::atomic<int64_t> lost_count_ = 0;  ///< the log tells it
  std::mutex starting_;
  std::thread thread_;  ///< guarded by `starting_` until it runs
};

}  // namespace faceforge::recognition
