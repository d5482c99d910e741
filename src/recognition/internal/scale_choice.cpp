#include "recognition/internal/scale_choice.h"

#include <algorithm>

namespace faceforge::recognition::internal {

using vision::FrameScale;

std::vector<FrameScale> ScaleChoice::next(int64_t time_ms) {
  std::vector<FrameScale> scales;
  std::vector<FrameScale> others;
  const bool sees_small = was_lately(small_ms_, time_ms);
  scales.push_back(sees_small ? FrameScale::Whole : FrameScale::Half);
  if (!sees_small) others.push_back(FrameScale::Whole);
  (was_lately(filling_ms_, time_ms) ? scales : others).push_back(FrameScale::Shrunken);
  const int64_t rest_ms = was_lately(any_ms_, time_ms) ? kTryRarely_ms : kTryOften_ms;
  if (!others.empty() && (!tried_ms_ || time_ms - *tried_ms_ >= rest_ms)) {
    scales.push_back(others[tried_count_++ % others.size()]);
    tried_ms_ = time_ms;
  }
  return scales;
}

void ScaleChoice::saw(const FrameFaces& found, const image::Photo& frame, int64_t time_ms) {
  const auto frame_px = static_cast<float>(std::max(frame.width_px, frame.height_px));
  for (const face::DetectedFace& face : found.sure) {
    const float share = std::max(face.box.width, face.box.height) / frame_px;
    any_ms_ = time_ms;
    if (share < kSmallShare) small_ms_ = time_ms;
    if (share > kFillingShare) filling_ms_ = time_ms;
  }
}

bool ScaleChoice::was_lately(const std::optional<int64_t>& seen_ms, int64_t time_ms) const {
  return seen_ms && time_ms - *seen_ms < kKeep_ms;
}

}  // namespace faceforge::recognition::internal
