#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/strong_id.h"
#include "face/detected_face.h"
#include "recognition/box_velocity.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

/// One face through the frames of one stream; counted from 1 in each.
using TrackId = StrongId<struct TrackTag>;

/// How sure it is that a face of this frame is the one of the track's frames before.
enum class Continuity {
  Begun,      ///< the track's first frame
  Followed,   ///< seen in the frame before, and no other face near
  Regained,   ///< not seen in the frame before: someone else may stand there now
  Contested,  ///< another face is so near that the two may be mixed up
};

/// A face of a frame, and whose track it belongs to.
struct TrackedFace {
  TrackId track{};
  size_t face_index = 0;  ///< in the frame's faces: the sure ones, then the doubtful ones
  Continuity continuity = Continuity::Begun;
  BoxVelocity velocity{};
};

struct TrackerUpdate {
  std::vector<TrackedFace> faces{};
  std::vector<TrackId> ended{};  ///< tracks that will not come back
};

/// Follows faces from frame to frame by where they are. Knows no pixels, no people and no clock.
///
/// Tracks move as their filters say; pairs of tracks and faces are those with the highest sum of
/// overlaps, first among the faces that the detector is sure of, then, for tracks seen in the frame
/// before, among the doubtful ones: a face that is half hidden keeps its track, and a shadow never
/// begins one. A track without a face waits for a while, but for one that was seen only once.
///
/// source: Zhang et al. 2022, ByteTrack, section 3 (association in two stages); Bewley et al. 2016,
///         SORT (the filter, the assignment of overlaps). Deviation: time is passed in.
class Tracker {
 public:
  Tracker();
  ~Tracker();
  Tracker(Tracker&&) noexcept;
  Tracker& operator=(Tracker&&) noexcept;

  /// Most faces of a frame, and most tracks; beyond, faces begin no more.
  static constexpr size_t kMaxFaces = kMaxFrameFaces;
  static constexpr size_t kMaxTracks = 64;
  /// How long a track without a face waits.
  static constexpr int64_t kPatience_ms = 1'000;

  /// Takes the next frame.
  ///
  /// in:   at most kMaxFaces (a CHECK); `time_ms` of the frame on any clock; one that goes back is
  ///       taken as standing still
  /// cost: O(tracks^2 * faces)
  [[nodiscard]] TrackerUpdate update(int64_t time_ms, const FrameFaces& frame);

  /// Gives a track another number: its face turned out to be someone else's.
  ///
  /// in:  a track that has not ended (a CHECK)
  [[nodiscard]] TrackId renumber(TrackId track);

 private:
  struct Track;
  struct Frame;

  /// Indices of tracks and of faces that may be pairs.
  struct Stage {
    std::vector<size_t> tracks{};
    std::vector<size_t> faces{};
    float min_overlap = 0;
  };

  void predict(Frame& frame, int64_t time_ms);
  void pair(const Frame& frame, const Stage& stage);
  [[nodiscard]] Continuity continuity(const Frame& frame, size_t track_index) const;
  [[nodiscard]] TrackerUpdate conclude(const Frame& frame);

  std::vector<Track> tracks_;
  int64_t last_number_ = 0;
  std::optional<int64_t> time_ms_;
};

}  // namespace faceforge::recognition
