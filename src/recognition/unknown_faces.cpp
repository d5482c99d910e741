#include "recognition/unknown_faces.h"

#include <algorithm>
#include <utility>

#include "gallery/face_groups.h"

namespace faceforge::recognition {

UnknownFaces group_unknown_faces(std::vector<gallery::UnknownFace> faces,
                                 const face::ModelId& model_id,
                                 const std::optional<face::Calibration>& calibration) {
  UnknownFaces grouped{.model_id = model_id};
  if (const auto policy = gallery::MatchPolicy::create(calibration)) {
    grouped.match_threshold = policy->identification_threshold(std::max<size_t>(1, faces.size()));
  }
  std::vector<gallery::UnknownFace> comparable;
  std::vector<gallery::UnknownFace> alone;
  std::vector<face::Embedding> embeddings;
  for (gallery::UnknownFace& face : faces) {
    const bool is_comparable = grouped.match_threshold && face.embedding.model_id == model_id;
    if (is_comparable) embeddings.push_back(face.embedding);
    (is_comparable ? comparable : alone).push_back(std::move(face));
  }
  if (!comparable.empty()) {
    for (const auto& indices :
         gallery::group_faces(embeddings, grouped.match_threshold->similarity)) {
      auto& group = grouped.groups.emplace_back();
      for (const size_t index : indices) group.push_back(std::move(comparable[index]));
    }
  }
  for (gallery::UnknownFace& face : alone) grouped.groups.emplace_back().push_back(std::move(face));
  return grouped;
}

}  // namespace faceforge::recognition
