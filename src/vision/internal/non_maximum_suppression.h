#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "vision/internal/detection.h"

namespace faceforge::vision {

/// Keeps, of boxes that overlap, the one with the highest detection score.
///
/// in:     `overlap_limit` the intersection over union above which the weaker box is dropped
/// out:    at most `face_limit` detections by falling detection score; equal ones keep their order
/// cost:   O(n * kept) on the `kCandidateLimit` highest detection scores; the rest is dropped
/// source: greedy non-maximum suppression as in Viola and Jones 2004, section 5.4
inline constexpr size_t kCandidateLimit = 8192;
[[nodiscard]] std::vector<Detection> suppress_overlaps(std::vector<Detection> detections,
                                                       float overlap_limit, size_t face_limit);

/// Leaves out the boxes that overlap a stronger one of `faces`, which says better how large that
/// face is and where.
///
/// cost: O(n * faces)
[[nodiscard]] std::vector<Detection> without_shadows(std::vector<Detection> detections,
                                                     std::span<const Detection> faces,
                                                     float overlap_limit);

}  // namespace faceforge::vision
