#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/detected_face.h"
#include "face/quality.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

struct IdentifyOptions {
  size_t candidate_count = 5;  ///< at most gallery::Snapshot::kMaxCandidates
  /// A face whose shorter side is smaller gets the verdict unknown and no candidates: so few pixels
  /// keep no promise.
  float min_face_px = 16;
};

struct IdentifiedFace {
  face::DetectedFace face{};
  face::Quality quality{};
  gallery::Decision decision{};
  bool too_small = false;
  std::vector<gallery::Candidate> candidates{};  ///< by falling similarity: the nearest first
};

struct IdentifyReport {
  int width_px = 0;  ///< of the upright photo
  int height_px = 0;
  face::ModelId model_id{};
  size_t person_count = 0;                        ///< whom each face was held against
  double false_positive_identification_rate = 0;  ///< what the threshold keeps over all of them
  std::vector<IdentifiedFace> faces{};            ///< by falling area
};

/// Names every face of a photo: the one flow of FaceForge.
///
/// fails: as image::decode and vision::Pipeline; conflict/model_mismatch when gallery and engine
/// are
///        of two models; invalid_input/candidate_count outside 1 to kMaxCandidates
[[nodiscard]] Result<IdentifyReport> identify(std::span<const std::byte> file,
                                              const gallery::Snapshot& snapshot,
                                              const FaceEngine& engine,
                                              const gallery::MatchPolicy& policy,
                                              const IdentifyOptions& options = {});

}  // namespace faceforge::recognition
