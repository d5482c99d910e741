#include "recognition/unknown_faces.h"

#include <algorithm>
#include <utility>

#include "gallery/face_groups.h"

namespace faceforge::recognition {

namespace {

bool is_comparable(const face::Embedding& embedding, const FaceEngine& engine) {
  return embedding.model_id == engine.model_id() && embedding.metric == engine.metric() &&
         std::cmp_equal(embedding.values.size(), engine.embedding_length());
}

}  // namespace

UnknownFaces group_unknown_faces(std::vector<gallery::UnknownFace> faces,
                                 const FaceEngine& engine) {
  UnknownFaces grouped{.model_id = engine.model_id()};
  if (const auto policy = gallery::MatchPolicy::create(engine.calibration())) {
    grouped.match_threshold = policy->identification_threshold(std::max<size_t>(1, faces.size()));
  }
  std::vector<gallery::UnknownFace> comparable;
  std::vector<gallery::UnknownFace> alone;
  std::vector<face::Embedding> embeddings;
  for (gallery::UnknownFace& face : faces) {
    const bool joins = grouped.match_threshold && embeddings.size() < gallery::kMaxGroupedFaces &&
                       is_comparable(face.embedding, engine);
    if (joins) embeddings.push_back(face.embedding);
    (joins ? comparable : alone).push_back(std::move(face));
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
