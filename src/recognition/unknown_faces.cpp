#include "recognition/unknown_faces.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "gallery/face_groups.h"

namespace faceforge::recognition {

namespace {

bool is_comparable(const face::Embedding& embedding, const gallery::ComparableModel& model) {
  return embedding.metric == model.metric &&
         std::cmp_equal(embedding.values.size(), model.embedding_length);
}

/// The groups of the faces of one model, none of which is alone for want of a threshold.
UnknownFaces groups_of(std::vector<gallery::UnknownFace> faces,
                       const gallery::MatchThreshold& threshold) {
  std::vector<face::Embedding> embeddings;
  for (const gallery::UnknownFace& face : faces) embeddings.push_back(face.embedding);
  UnknownFaces groups;
  for (const auto& indices : gallery::group_faces(embeddings, threshold.similarity)) {
    UnknownGroup& group = groups.emplace_back(UnknownGroup{.match_threshold = threshold});
    for (const size_t index : indices) group.faces.push_back(std::move(faces[index]));
  }
  return groups;
}

}  // namespace

UnknownFaces group_unknown_faces(std::vector<gallery::UnknownFace> faces,
                                 const ComparableModels& models) {
  std::map<face::ModelId, std::vector<gallery::UnknownFace>> of_models;
  UnknownFaces alone;
  size_t compared_count = 0;
  for (gallery::UnknownFace& face : faces) {
    const auto model = models.find(face.embedding.model_id);
    if (model != models.end() && compared_count < gallery::kMaxGroupedFaces &&
        is_comparable(face.embedding, model->second)) {
      ++compared_count;
      of_models[model->first].push_back(std::move(face));
    } else {
      alone.emplace_back().faces.push_back(std::move(face));
    }
  }
  UnknownFaces groups;
  for (auto& [model, of_model] : of_models) {
    const auto policy = gallery::MatchPolicy::create(models.at(model).calibration);
    if (policy) {
      const auto threshold = policy->identification_threshold(of_model.size());
      std::ranges::move(groups_of(std::move(of_model), threshold), std::back_inserter(groups));
    } else {
      for (auto& face : of_model) alone.emplace_back().faces.push_back(std::move(face));
    }
  }
  std::ranges::stable_sort(groups, std::ranges::greater{},
                           [](const UnknownGroup& group) { return group.faces.size(); });
  std::ranges::move(alone, std::back_inserter(groups));
  return groups;
}

}  // namespace faceforge::recognition
