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
  for (const UnknownGroup& group : grouped) {
    auto& group_ids = ids.emplace_back();
    for (const auto& face : group.faces) group_ids.push_back(face.id.value());
  }
  return ids;
}

gallery::ComparableModel comparable(const FakeEngine& engine) {
  return {.metric = engine.metric(),
          .embedding_length = engine.embedding_length(),
          .calibration = *engine.calibration()};
}

TEST(GroupUnknownFaces, FacesOfEachModelAreComparedByItsOwnThreshold) {
  const FakeEngine first("m1");
  FakeEngine second("m2");
  face::Calibration strict = *second.calibration();
  strict.points = {{1e-2, 0.5F}, {1e-3, 0.6F}};
  second.calibrate(strict);
  std::vector<gallery::UnknownFace> faces;
  for (int64_t id = 1; id <= 2; ++id) faces.push_back(face_of(id, first));
  for (int64_t id = 3; id <= 5; ++id) faces.push_back(face_of(id, second));
  faces.push_back(face_of(6, FakeEngine("m3")));
  const auto grouped = group_unknown_faces(
      std::move(faces),
      {{first.model_id(), comparable(first)}, {second.model_id(), comparable(second)}});
  EXPECT_THAT(ids_of(grouped),
              ElementsAre(ElementsAre(3, 4, 5), ElementsAre(1, 2), ElementsAre(6)));
  ASSERT_TRUE(grouped[0].match_threshold && grouped[1].match_threshold);
  // As gallery::MatchPolicy says for as many people as there are faces of the model.
  EXPECT_EQ(
      grouped[0].match_threshold->similarity,
      gallery::MatchPolicy::create(second.calibration())->identification_threshold(3).similarity);
  EXPECT_EQ(
      grouped[1].match_threshold->similarity,
      gallery::MatchPolicy::create(first.calibration())->identification_threshold(2).similarity);
  EXPECT_GT(grouped[0].match_threshold->similarity, grouped[1].match_threshold->similarity);
  EXPECT_FALSE(grouped[2].match_threshold);
}

TEST(GroupUnknownFaces, AnEmbeddingThatTheModelWouldNotMakeIsAloneAndNoBug) {
  const FakeEngine engine;
  std::vector<gallery::UnknownFace> faces;
  for (int64_t id = 1; id <= 5; ++id) faces.push_back(face_of(id, engine));
  faces[0].embedding.values.resize(7);
  faces[2].embedding.metric = face::Metric::L2;
  faces[4].embedding.model_id = face::ModelId("m2");
  const auto grouped =
      group_unknown_faces(std::move(faces), {{engine.model_id(), comparable(engine)}});
  EXPECT_THAT(ids_of(grouped),
              ElementsAre(ElementsAre(2, 4), ElementsAre(1), ElementsAre(3), ElementsAre(5)));
}

}  // namespace
}  // namespace faceforge::recognition
