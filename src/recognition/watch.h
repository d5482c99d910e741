#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/detected_face.h"
#include "face/model_id.h"
#include "face/quality.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "recognition/box_velocity.h"
#include "recognition/face_engine.h"
#include "recognition/track_record.h"
#include "recognition/tracker.h"

namespace faceforge::recognition {

enum class TrackRecording { Off, On };

struct WatchOptions {
  size_t candidate_count = 3;  ///< at most gallery::Snapshot::kMaxCandidates
  float min_face_px = 16;      ///< as IdentifyOptions: a smaller face is not looked at
  /// Whether the report has `records`. Turned off, what was seen so far leaves none.
  TrackRecording recording = TrackRecording::Off;
  float min_kept_face_px = 24;  ///< a smaller unknown face could not be enrolled
};

/// A face of a frame, with what all looks at its track say.
struct WatchedFace {
  TrackId track{};
  int64_t seen_for_ms = 0;  ///< since its track began
  face::DetectedFace face{};
  BoxVelocity velocity{};  ///< of the box, for whoever draws it before the next result
  face::Quality quality{};
  bool too_small = false;
  /// Nothing while undecided: too few looks, or they contradict each other.
  std::optional<gallery::Decision> decision{};
  /// By falling similarity, of the last look that bore the decision out: the nearest first, also of
  /// a face that is unknown or undecided. Empty before the first look.
  std::vector<gallery::Candidate> candidates{};
};

/// How long each stage of a frame took.
struct StageTimes {
  float decode_ms = 0;
  float detect_ms = 0;
  float embed_ms = 0;   ///< with alignment, quality and tracking
  float search_ms = 0;  ///< with decisions
};

struct WatchReport {
  int width_px = 0;  ///< of the upright frame
  int height_px = 0;
  face::ModelId model_id{};
  size_t person_count = 0;
  gallery::MatchThreshold match_threshold{};      ///< that every face was held against
  double false_positive_identification_rate = 0;  ///< as IdentifyReport's
  std::vector<WatchedFace> faces{};
  size_t look_count = 0;               ///< faces embedded in this frame
  std::vector<TrackRecord> records{};  ///< to be kept, of tracks that ended, or last for long
  StageTimes times{};
};

/// What one stream remembers from frame to frame: tracks, and for each the mean of its embeddings
/// and the verdict so far. The one place of the flow that keeps state. Used by one thread at a
/// time.
///
/// A face is embedded until its verdict is stable, then from time to time, and at once when it may
/// be another's: when it was lost or another face came near, or the crop has changed. Where that
/// look cannot be had, or disagrees with the mean, nobody is named. A track whose face turns out to
/// be another's goes on under another number, so that no track ever has two people.
class Watch {
 public:
  Watch();
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;

  /// Most faces that are embedded in one frame; the others wait for the next.
  static constexpr size_t kLooksPerFrame = 4;

  /// Looks at the next frame.
  ///
  /// in:    `time_ms` of the frame on any clock that does not go back; with another `snapshot` than
  ///        before every verdict begins anew
  /// fails: as FaceEngine; conflict/model_mismatch; the watch goes on with the next
  ///        frame
  [[nodiscard]] Result<WatchReport> look(std::span<const std::byte> frame, int64_t time_ms,
                                         const std::shared_ptr<const gallery::Snapshot>& snapshot,
                                         const FaceEngine& engine,
                                         const gallery::MatchPolicy& policy,
                                         const WatchOptions& options = {});

  /// Leaves no record of what was seen so far; the faces stay who they are. What the next frames
  /// are recorded of begins with them.
  void forget_records();

  /// The stream is over: what is still to be kept of it.
  [[nodiscard]] std::vector<TrackRecord> finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::recognition
