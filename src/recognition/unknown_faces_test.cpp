#include "recognition/unknown_faces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition {
namespace {

using ::testing::ElementsAre;

/// A face whose embedding is as the engine makes them, and the same for all.
gallery::UnknownFace face_of(int64_t id, const FaceEngine& engine) {
  gallery::UnknownFace face{.id = gallery::UnknownFaceId(id)};
  face.embedding = {engine.model_id(), engine.metric(),
                    std::vector<float>(static_cast<size_t>(engine.embedding_length()))};
  face.embedding.values[0] = 1;
  return face;
}

std::vector<std::vector<int64_t>> ids_of(const UnknownFaces& grouped) {
  std::vector<std::vector<int64_t>> ids;
  for (const auto& group : grouped.groups) {
    auto& group_ids = ids.emplace_back();
    for (const auto& face : group) group_ids.push_back(face.id.value());
  }
  return ids;
}

TEST(GroupUnknownFaces, AnEmbeddingThatTheEngineWouldNotMakeIsAloneAndNoBug) {
  const FakeEngine engine;
  std::vector<gallery::UnknownFace> faces;
  for (int64_t id = 1; id <= 5; ++id) faces.push_back(face_of(id, engine));
  faces[0].embedding.values.resize(7);
  faces[2].embedding.metric = face::Metric::L2;
  faces[4].embedding.model_id = face::ModelId("m2");
  const auto grouped = group_unknown_faces(std::move(faces), engine);
  EXPECT_THAT(ids_of(grouped),
              ElementsAre(ElementsAre(2, 4), ElementsAre(1), ElementsAre(3), ElementsAre(5)));
}

}  // namespace
}  // namespace faceforge::recognition
