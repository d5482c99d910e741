#pragma once

#include <map>
#include <optional>
#include <vector>

#include "face/model_id.h"
#include "gallery/galleries.h"
#include "gallery/match_policy.h"
#include "gallery/recording.h"

namespace faceforge::recognition {

using ComparableModels = std::map<face::ModelId, gallery::ComparableModel>;

/// Unknown faces that look like one person; one at least, all of one model.
struct UnknownGroup {
  /// Above which faces were put together, on average; nothing where they cannot be compared: such a
  /// face is alone.
  std::optional<gallery::MatchThreshold> match_threshold{};
  std::vector<gallery::UnknownFace> faces{};
};

/// The unknown faces of a gallery, those that are alike together: by falling size, then those that
/// cannot be compared.
using UnknownFaces = std::vector<UnknownGroup>;

/// Puts together what looks like one person, for each model by itself. The threshold is that of a
/// gallery with as many people as there are faces of the model: at the default rate, of 100 faces
/// one at most lies with a stranger's.
///
/// in:   a face of a model that is not among `models`, or whose stored embedding is not what that
///       model makes, cannot be compared, nor can what is beyond gallery::kMaxGroupedFaces
/// cost: as gallery::group_faces for each model
[[nodiscard]] UnknownFaces group_unknown_faces(std::vector<gallery::UnknownFace> faces,
                                               const ComparableModels& models);

}  // namespace faceforge::recognition
