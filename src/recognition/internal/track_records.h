#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "image/image.h"
#include "recognition/internal/stable_verdict.h"
#include "recognition/track_record.h"
#include "recognition/tracker.h"

namespace faceforge::recognition::internal {

/// A look at a track, as it was remembered.
struct TrackLook {
  const image::Photo& frame;
  const face::DetectedFace& face;
  const face::Quality& quality;
  const face::Embedding& embedding;
  int64_t begun_ms = 0;                 ///< when the track began, or its recording
  int64_t time_ms = 0;                  ///< of the frame
  const std::optional<Finding>& shown;  ///< the verdict after this look; nothing while undecided
  float similarity = 0;                 ///< to whom it names
};

/// The margin of a kept picture: its side over the longer side of the face's box. A detector finds
/// a face again only with some of what is around it.
inline constexpr float kKeptMargin = 2;
/// The longest side of a kept picture; a larger one is shrunk. An embedder takes 112 to 224 pixels
/// of a face.
inline constexpr int kKeptSide_px = 384;

/// Cuts a face out of a frame, with the margin as far as the frame reaches.
///
/// cost: O(pixels cut out)
[[nodiscard]] KeptLook cut_out(const TrackLook& look);

/// Follows the tracks of a recorded stream and says what of them is kept. A person is handed over
/// every kHandOver_ms and when their track ends, so that a crash loses little; an unknown face only
/// when it ends, for it may still be named, and then in its best look. A face that could not be
/// decided, or for which two people come into question, leaves nothing.
class TrackRecords {
 public:
  static constexpr int64_t kHandOver_ms = 10'000;

  /// in: `min_face_px` as WatchOptions
  void look(TrackId track, const TrackLook& look, float min_face_px);

  /// The track is over, or goes on as another's; nothing happens where no look was at it.
  void end(TrackId track);

  /// All tracks are over.
  void end_all();

  /// Keeps nothing of what was seen so far.
  void forget();

  /// What is to be kept since the last time.
  [[nodiscard]] std::vector<TrackRecord> take();

 private:
  struct Track {
    std::optional<Finding> finding{};  ///< the last verdict that was shown
    TrackRecord record{};
    float best_weight = 0;
  };

  void hand_over(Track& track);

  std::unordered_map<TrackId, Track> tracks_;
  std::vector<TrackRecord> finished_;
};

}  // namespace faceforge::recognition::internal
