#include "evaluate/detection_agreement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace faceforge::evaluate {
namespace {

constexpr float kSameFaceOverlap = 0.5F;

struct Pair {
  size_t parent_index = 0;
  size_t other_index = 0;
  float overlap = 0;
};

/// Pairs of boxes that overlap by half, the nearest first.
std::vector<Pair> overlapping(std::span<const face::DetectedFace> parents,
                              std::span<const face::DetectedFace> others) {
  std::vector<Pair> pairs;
  for (size_t parent = 0; parent < parents.size(); ++parent) {
    for (size_t other = 0; other < others.size(); ++other) {
      const float overlap = face::intersection_over_union(parents[parent].box, others[other].box);
      if (overlap >= kSameFaceOverlap) pairs.push_back({parent, other, overlap});
    }
  }
  std::ranges::stable_sort(pairs, std::greater{}, &Pair::overlap);
  return pairs;
}

double landmark_distance(const face::Landmarks& parent, const face::Landmarks& other) {
  double sum = 0;
  for (size_t index = 0; index < face::kLandmarkCount; ++index) {
    sum += std::hypot(double{parent[index].x} - double{other[index].x},
                      double{parent[index].y} - double{other[index].y});
  }
  const face::Point& left = at(parent, face::Landmark::LeftEye);
  const face::Point& right = at(parent, face::Landmark::RightEye);
  // Of a face seen from the side the eyes may fall together: no share of nothing.
  const double eyes =
      std::max(1.0, std::hypot(double{left.x} - double{right.x}, double{left.y} - double{right.y}));
  return sum / static_cast<double>(face::kLandmarkCount) / eyes;
}

/// The mean differences in shares of their bounds.
std::array<double, 3> shares_of_bounds(const DetectionAgreement& agreement) {
  return {(1 - agreement.mean_overlap) / (1 - kMinMeanOverlap),
          agreement.mean_score_difference / kMaxMeanScoreDifference,
          agreement.mean_landmark_distance / kMaxMeanLandmarkDistance};
}

/// Takes one more number into a mean of `count` numbers.
void add_to_mean(double& mean, double number, size_t count) {
  mean += (number - mean) / static_cast<double>(count);
}

}  // namespace

void add_photo(std::span<const face::DetectedFace> parents,
               std::span<const face::DetectedFace> others, float min_detection_score,
               DetectionAgreement& agreement) {
  std::vector<bool> parent_matched(parents.size()), other_matched(others.size());
  for (const Pair& pair : overlapping(parents, others)) {
    if (parent_matched[pair.parent_index] || other_matched[pair.other_index]) continue;
    parent_matched[pair.parent_index] = other_matched[pair.other_index] = true;
    const face::DetectedFace& parent = parents[pair.parent_index];
    const face::DetectedFace& other = others[pair.other_index];
    const size_t count = ++agreement.matched_count;
    add_to_mean(agreement.mean_overlap, double{pair.overlap}, count);
    add_to_mean(agreement.mean_score_difference,
                std::abs(double{parent.detection_score} - double{other.detection_score}), count);
    add_to_mean(agreement.mean_landmark_distance,
                landmark_distance(parent.landmarks, other.landmarks), count);
  }
  const auto count_alone = [&](std::span<const face::DetectedFace> faces,
                               const std::vector<bool>& matched, size_t& count) {
    for (size_t index = 0; index < faces.size(); ++index) {
      if (matched[index]) continue;
      const bool wavers = faces[index].detection_score < min_detection_score + kWaveringScore;
      ++(wavers ? agreement.wavering_count : count);
    }
  };
  count_alone(parents, parent_matched, agreement.lost_count);
  count_alone(others, other_matched, agreement.added_count);
  agreement.face_count += parents.size();
}

bool is_within_bounds(const DetectionAgreement& agreement) {
  const double wavering_limit =
      std::max(1.0, kMaxWaveringShare * static_cast<double>(agreement.face_count));
  return agreement.lost_count == 0 && agreement.added_count == 0 &&
         static_cast<double>(agreement.wavering_count) <= wavering_limit &&
         agreement.mean_overlap >= kMinMeanOverlap &&
         agreement.mean_score_difference <= kMaxMeanScoreDifference &&
         agreement.mean_landmark_distance <= kMaxMeanLandmarkDistance;
}

double loss_of(const DetectionAgreement& agreement) {
  const auto faces = static_cast<double>(std::max<size_t>(1, agreement.face_count));
  const auto alone = static_cast<double>(agreement.lost_count + agreement.added_count);
  return alone / faces + std::ranges::max(shares_of_bounds(agreement)) / 100;
}

double variance_of(const DetectionAgreement& agreement) {
  double sum = 0;
  for (const double share : shares_of_bounds(agreement)) sum += share * share;
  return sum;
}

}  // namespace faceforge::evaluate
