#pragma once

#include <cstddef>
#include <span>

#include "face/detected_face.h"

namespace faceforge::evaluate {

/// How well the faces that a detector on bytes finds agree with those of its parent on floats.
struct DetectionAgreement {
  size_t face_count = 0;      ///< of the parent
  size_t lost_count = 0;      ///< that the other does not find
  size_t added_count = 0;     ///< that only the other finds
  size_t wavering_count = 0;  ///< of one alone, but within `kWaveringScore` of the lowest score
  size_t matched_count = 0;
  double mean_overlap = 1;            ///< IoU of the boxes of a face
  double mean_score_difference = 0;   ///< of detection scores, without sign
  double mean_landmark_distance = 0;  ///< in shares of the distance between the eyes
};

/// A face this near to the lowest detection score may come and go: another decoder of the same JPEG
/// moves scores as far.
inline constexpr float kWaveringScore = 0.05F;

/// Bounds within which a detector on bytes may stand for its parent.
inline constexpr double kMinMeanOverlap = 0.95;
inline constexpr double kMaxMeanScoreDifference = 0.02;
inline constexpr double kMaxMeanLandmarkDistance = 0.01;
inline constexpr double kMaxWaveringShare = 0.02;  ///< of the parent's faces, or one face

/// Adds the faces of one photo. Faces are of one person when their boxes overlap by half or more,
/// nearest pairs first.
///
/// in: both of one photo, at the same lowest detection score
void add_photo(std::span<const face::DetectedFace> parents,
               std::span<const face::DetectedFace> others, float min_detection_score,
               DetectionAgreement& agreement);

/// Whether no face is lost or added, and the rest keeps the bounds above.
[[nodiscard]] bool is_within_bounds(const DetectionAgreement& agreement);

/// One number to compare by: faces lost and added in all faces, and the largest of the mean
/// differences in shares of its bound, a hundredth of it.
[[nodiscard]] double loss_of(const DetectionAgreement& agreement);

/// The squares of the mean differences in shares of their bounds: what adds up where several layers
/// are on bytes, as the errors of each have nothing to do with those of others.
[[nodiscard]] double variance_of(const DetectionAgreement& agreement);

}  // namespace faceforge::evaluate
