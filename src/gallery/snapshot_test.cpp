#include "gallery/snapshot.h"

#include <gtest/gtest.h>

#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

GalleryModel two_people() {
  GalleryModel model;
  model.model_id = face::ModelId("aaaa");
  model.embedding_length = 2;
  model.pack_id = "test-pack";
  model.people.push_back({.name = "Ada",
                          .person = PersonId(7),
                          .photo_count = 2,
                          .mean = {1, 0},
                          .references = {{"front.jpg", PhotoId(1), {0.8F, 0.6F}},
                                         {"side.jpg", PhotoId(2), {0.8F, -0.6F}}}});
  model.people.push_back(
      {.name = "Bob", .person = PersonId(8), .photo_count = 1, .mean = {0, 1}, .references = {}});
  return model;
}

face::Embedding embedding(std::vector<float> values, std::string model = "aaaa") {
  return {face::ModelId(std::move(model)), face::Metric::Cosine, std::move(values)};
}

TEST(Snapshot, CandidatesComeByFallingSimilarityWithTheirNearestPhoto) {
  const Snapshot snapshot(two_people());
  const auto found = snapshot.nearest(embedding({0.8F, 0.6F}), 5);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  const Candidate& ada = (*found)[0];
  EXPECT_EQ(ada.person, "Ada");
  EXPECT_EQ(ada.person_id, PersonId(7));
  EXPECT_FLOAT_EQ(ada.similarity, 0.8F);
  EXPECT_EQ(ada.reference, "front.jpg");
  EXPECT_EQ(ada.reference_photo_id, PhotoId(1));
  EXPECT_FLOAT_EQ(*ada.reference_similarity, 1);
  const Candidate& bob = (*found)[1];
  EXPECT_EQ(bob.person, "Bob");
  EXPECT_FLOAT_EQ(bob.similarity, 0.6F);
  EXPECT_EQ(bob.reference, std::nullopt);
  EXPECT_EQ(bob.reference_similarity, std::nullopt);
}

TEST(Snapshot, ComparesWithOnePersonByNameAndById) {
  const Snapshot snapshot(two_people());
  const auto by_name = snapshot.compare(embedding({0, 1}), "Ada");
  const auto by_id = snapshot.compare(embedding({0, 1}), PersonId(7));
  ASSERT_TRUE(by_name);
  ASSERT_TRUE(by_id);
  EXPECT_FLOAT_EQ(by_name->similarity, 0);
  EXPECT_EQ(by_id->person, "Ada");
  EXPECT_EQ(by_id->reference, "front.jpg");
  EXPECT_EQ(snapshot.compare(embedding({0, 1}), "ada").error().reason, "person_not_trained");
  EXPECT_EQ(snapshot.compare(embedding({0, 1}), PersonId(9)).error().reason, "person_not_trained");
}

TEST(Snapshot, WithCosineAFaceIsAsSimilarToAPersonAsToTheirPhotosOnAverage) {
  GalleryModel model = two_people();
  TemplateSum ada(2);
  ada.add(std::vector<float>{1, 0});
  ada.add(std::vector<float>{0.28F, 0.96F});
  model.people[0].spread = ada.spread(face::Metric::Cosine);
  model.people[0].mean = ada.mean(face::Metric::Cosine);
  model.people[0].references = {{"right.jpg", {}, {1, 0}}, {"left.jpg", {}, {0.28F, 0.96F}}};
  model.people[1].mean = {0.96F, 0.28F};
  const Snapshot snapshot(model);
  // To Ada's photos 0.8 and 0.8, the very direction of their mean; to Bob 0.936.
  const auto found = snapshot.nearest(embedding({0.8F, 0.6F}), 5);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)[0].person, "Bob");
  EXPECT_NEAR((*found)[0].similarity, 0.936, 1e-6);
  EXPECT_EQ((*found)[1].person, "Ada");
  EXPECT_NEAR((*found)[1].similarity, 0.8, 1e-6);
  EXPECT_EQ(snapshot.compare(embedding({0.8F, 0.6F}), "Ada")->similarity, (*found)[1].similarity);
}

/// Ada has two photos, Bob one.
GalleryModel two_people_with_l2() {
  GalleryModel model;
  model.model_id = face::ModelId("aaaa");
  model.metric = face::Metric::L2;
  model.embedding_length = 2;
  TemplateSum ada(2);
  ada.add(std::vector<float>{0, 0});
  ada.add(std::vector<float>{0.8F, 0});
  model.people.push_back({.name = "Ada",
                          .photo_count = 2,
                          .spread = ada.spread(face::Metric::L2),
                          .mean = ada.mean(face::Metric::L2),
                          .references = {{"left.jpg", {}, {0, 0}}, {"right.jpg", {}, {0.8F, 0}}}});
  model.people.push_back({.name = "Bob", .photo_count = 1, .mean = {1.6F, 0.6F}, .references = {}});
  return model;
}

TEST(Snapshot, WithL2AFaceIsAsSimilarToAPersonAsToTheirPhotosOnAverage) {
  const Snapshot snapshot(two_people_with_l2());
  face::Embedding face = embedding({0.8F, 0.6F});
  face.metric = face::Metric::L2;
  const auto found = snapshot.nearest(face, 5);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  const Candidate& bob = (*found)[0];
  EXPECT_EQ(bob.person, "Bob");
  EXPECT_NEAR(bob.similarity, 0.68, 1e-6);  // 0.8 away
  // Squared distances 1 and 0.36 to Ada's photos: similarities 0.5 and 0.82. To their mean (0.4, 0)
  // it is 0.74, which would put her before Bob.
  const Candidate& ada = (*found)[1];
  EXPECT_EQ(ada.person, "Ada");
  EXPECT_NEAR(ada.similarity, 0.66, 1e-6);
  EXPECT_EQ(ada.reference, "right.jpg");
  EXPECT_NEAR(*ada.reference_similarity, 0.82, 1e-6);
  EXPECT_EQ(snapshot.compare(face, "Ada")->similarity, ada.similarity);
  EXPECT_EQ(snapshot.compare(face, "Bob")->similarity, bob.similarity);
}

TEST(Snapshot, WithL2TheLongestEmbeddingHasRoomForItsSpread) {
  constexpr size_t kLength = 65'536;
  GalleryModel model = two_people_with_l2();
  model.embedding_length = kLength;
  model.people.resize(1);
  model.people[0].mean.assign(kLength, 0);
  model.people[0].references.clear();
  face::Embedding face = embedding(std::vector<float>(kLength));
  face.metric = face::Metric::L2;
  EXPECT_NEAR(Snapshot(model).compare(face, "Ada")->similarity, 1 - 0.08, 1e-6);
}

TEST(SnapshotDeath, ASpreadThatNoPhotosCanHaveIsABug) {
  GalleryModel model = two_people_with_l2();
  model.people[0].spread = -0.1F;
  EXPECT_DEATH(Snapshot{model}, "spread");
  model = two_people();
  model.people[0].spread = 1.1F;
  EXPECT_DEATH(Snapshot{model}, "spread");
}

TEST(Snapshot, AnEmbeddingOfAnotherModelIsRefusedAndBothAreNamed) {
  const Snapshot snapshot(two_people());
  for (const auto& outcome : {snapshot.nearest(embedding({1, 0}, "bbbb"), 1).error(),
                              snapshot.compare(embedding({1, 0}, "bbbb"), "Ada").error()}) {
    EXPECT_EQ(outcome.code, ErrorCode::Conflict);
    EXPECT_EQ(outcome.reason, "model_mismatch");
    EXPECT_NE(outcome.message.find("aaaa"), std::string::npos);
    EXPECT_NE(outcome.message.find("bbbb"), std::string::npos);
  }
}

TEST(Snapshot, IsDecidedByWhatItWasTrainedWithAndByTheEnginesCalibrationOnlyWhereThatIsNone) {
  const auto with = [](float threshold) {
    face::Calibration calibration;
    calibration.model_id = face::ModelId("aaaa");
    calibration.points = {{1e-2, threshold}};
    return std::optional(calibration);
  };
  GalleryModel model = two_people();
  EXPECT_FALSE(Snapshot(model).calibration_beside(std::nullopt));
  const auto engine = with(0.6F);
  const auto later = Snapshot(model).calibration_beside(engine);
  EXPECT_FLOAT_EQ(later->points.front().match_threshold, 0.6F);
  model.calibration = with(0.3F);
  const auto stored = Snapshot(model).calibration_beside(engine);
  EXPECT_FLOAT_EQ(stored->points.front().match_threshold, 0.3F);
  EXPECT_TRUE(Snapshot(model).calibration_beside(std::nullopt));
}

TEST(Snapshot, WithoutPeopleNobodyIsFound) {
  GalleryModel model = two_people();
  model.people.clear();
  const Snapshot snapshot(model);
  EXPECT_EQ(snapshot.person_count(), 0U);
  EXPECT_TRUE(snapshot.nearest(embedding({1, 0}), 5)->empty());
}

TEST(Snapshot, KnowsWhatItHoldsAndHowMuchMemoryThatTakes) {
  const Snapshot snapshot(two_people());
  EXPECT_EQ(snapshot.person_count(), 2U);
  EXPECT_EQ(snapshot.model_id(), face::ModelId("aaaa"));
  EXPECT_EQ(snapshot.pack_id(), "test-pack");
  EXPECT_FALSE(snapshot.calibration());
  EXPECT_GE(snapshot.memory_bytes(), 4 * 2 * sizeof(float));
}

}  // namespace
}  // namespace faceforge::gallery
