#pragma once

#include <optional>
#include <vector>

#include "face/model_id.h"
#include "gallery/match_policy.h"
#include "gallery/recording.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

/// The unknown faces of a gallery, those that are alike together.
struct UnknownFaces {
  face::ModelId model_id{};  ///< of the pack in use
  /// Above which faces were put together, on average; nothing where the pack is not calibrated.
  std::optional<gallery::MatchThreshold> match_threshold{};
  /// By falling size. A face that another pack saw is alone, for it cannot be compared, and so is
  /// one whose stored embedding is not what the pack in use makes.
  std::vector<std::vector<gallery::UnknownFace>> groups{};
};

/// Puts together what looks like one person. The threshold is that of a gallery with as many people
/// as there are faces: at the default rate, of 100 faces one at most lies with a stranger's.
///
/// in:   beyond gallery::kMaxGroupedFaces each is alone
/// cost: as gallery::group_faces
[[nodiscard]] UnknownFaces group_unknown_faces(std::vector<gallery::UnknownFace> faces,
                                               const FaceEngine& engine);

}  // namespace faceforge::recognition
