#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "image/image.h"
#include "recognition/face_engine.h"
#include "vision/pipeline.h"

namespace faceforge::recognition::internal {

/// Chooses the scales at which a stream's frames are looked at: those that show the faces of the
/// frames before, as cheaply as they can be seen, and from time to time one more, for faces that
/// they do not show. docs/decisions/0023 has the figures.
class ScaleChoice {
 public:
  /// For the next frame.
  ///
  /// in: `time_ms` of the frame on any clock that does not go back
  [[nodiscard]] std::vector<vision::FrameScale> next(int64_t time_ms);

  /// Takes note of what was found at them.
  void saw(const FrameFaces& found, const image::Photo& frame, int64_t time_ms);

  /// How long a scale is kept for a face that was there, and how often another one is tried.
  static constexpr int64_t kKeep_ms = 1'000;
  static constexpr int64_t kTryOften_ms = 200;   ///< while nobody is there
  static constexpr int64_t kTryRarely_ms = 600;  ///< while somebody is
  /// A face is small, or fills the frame, by the longer side of its box in shares of the frame's.
  static constexpr float kSmallShare = 0.1F;
  static constexpr float kFillingShare = 0.75F;

 private:
  [[nodiscard]] bool was_lately(const std::optional<int64_t>& seen_ms, int64_t time_ms) const;

  std::optional<int64_t> any_ms_;  ///< when such a face was seen last
  std::optional<int64_t> small_ms_;
  std::optional<int64_t> filling_ms_;
  std::optional<int64_t> tried_ms_;
  size_t tried_count_ = 0;
};

}  // namespace faceforge::recognition::internal
