#include "vision/internal/non_maximum_suppression.h"

#include <algorithm>
#include <functional>

namespace faceforge::vision {

std::vector<Detection> suppress_overlaps(std::vector<Detection> detections, float overlap_limit,
                                         size_t face_limit) {
  std::ranges::stable_sort(detections, std::greater<>(), &Detection::detection_score);
  if (detections.size() > kCandidateLimit) detections.resize(kCandidateLimit);
  std::vector<Detection> kept;
  for (const Detection& candidate : detections) {
    if (kept.size() >= face_limit) break;
    const bool overlaps = std::ranges::any_of(kept, [&](const Detection& stronger) {
      return face::intersection_over_union(candidate.box, stronger.box) > overlap_limit;
    });
    if (!overlaps) kept.push_back(candidate);
  }
  return kept;
}

std::vector<Detection> without_shadows(std::vector<Detection> detections,
                                       std::span<const Detection> faces, float overlap_limit) {
  std::erase_if(detections, [&](const Detection& faint) {
    return std::ranges::any_of(faces, [&](const Detection& face) {
      return face.detection_score > faint.detection_score &&
             face::intersection_over_union(faint.box, face.box) > overlap_limit;
    });
  });
  return detections;
}

}  // namespace faceforge::vision
