#include "gallery/self_check.h"

#include <cmath>

#include <gmock/gmock.h>

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;

ModelPerson person_of(std::string name, std::vector<std::vector<float>> embeddings) {
  ModelPerson person{.name = std::move(name)};
  std::vector<double> sum(3);
  for (std::vector<float>& embedding : embeddings) {
    for (size_t i = 0; i < 3; ++i) sum[i] += double{embedding[i]};
    person.references.push_back(
        {.name = fmt::format("{}.jpg", person.references.size()), .embedding = embedding});
  }
  const double length = std::hypot(sum[0], sum[1], sum[2]);
  for (const double value : sum) person.mean.push_back(static_cast<float>(value / length));
  person.photo_count = static_cast<int64_t>(embeddings.size());
  person.spread = static_cast<float>(1 - length / static_cast<double>(embeddings.size()));
  return person;
}

// On the circle: Ann at 0 degrees and 60 degrees, Ben at 90 twice, Cleo once at -90.
GalleryModel model() {
  const float half = 0.5F;
  const float root = std::sqrt(0.75F);
  return {.model_id = face::ModelId("m1"),
          .embedding_length = 3,
          .pack_id = "test-pack",
          .people = {person_of("Ann", {{1, 0, 0}, {half, root, 0}}),
                     person_of("Ben", {{0, 1, 0}, {0, 1, 0}}), person_of("Cleo", {{0, -1, 0}})}};
}

TEST(SelfCheck, EachPhotoIsHeldAgainstItsPersonWithoutItAndAgainstTheNearestOther) {
  const auto check = check_against_itself(Snapshot(model()));
  ASSERT_TRUE(check) << check.error().message;
  EXPECT_EQ(check->checkable_photo_count, 4U);  // without Cleo's only one
  ASSERT_EQ(check->photos.size(), 4U);
  const CheckedPhoto& first = check->photos[0];
  EXPECT_EQ(first.person_index, 0U);
  EXPECT_NEAR(first.own_similarity, 0.5, 1e-6);    // cos 60: to Ann's other photo
  EXPECT_NEAR(first.other_similarity, 0.0, 1e-6);  // cos 90: to Ben or Cleo
  const CheckedPhoto& second = check->photos[2];   // the first photos of all come first
  EXPECT_EQ(second.person_index, 0U);
  EXPECT_EQ(second.reference_index, 1U);
  EXPECT_EQ(second.other_person_index, 1U);
  EXPECT_NEAR(second.other_similarity, std::sqrt(0.75), 1e-6);  // cos 30: to Ben
  EXPECT_TRUE(second.is_confused());
  EXPECT_FALSE(check->photos[1].is_confused());  // Ben: 1 to himself
}

TEST(SelfCheck, LookAlikesAreTheNearestTemplatesMostSimilarFirst) {
  const auto check = check_against_itself(Snapshot(model()), {.look_alikes_each = 1});
  // Ann's mean lies at 30 degrees: cos 60 to Ben. Ben's lies 60 from it, and her spread is
  // 1 - cos 30. Cleo is 120 from Ann's mean and 180 from Ben's.
  ASSERT_EQ(check->look_alikes.size(), 3U);
  EXPECT_EQ(check->look_alikes[0].person_index, 0U);
  EXPECT_EQ(check->look_alikes[0].other_person_index, 1U);
  EXPECT_NEAR(check->look_alikes[0].similarity, 0.5, 1e-6);
  EXPECT_EQ(check->look_alikes[1].person_index, 1U);
  EXPECT_NEAR(check->look_alikes[1].similarity, 0.5 * std::sqrt(0.75), 1e-6);
  EXPECT_EQ(check->look_alikes[2].other_person_index, 0U);
}

TEST(SelfCheck, ARarerPromiseMissesMorePhotos) {
  GalleryModel calibrated = model();
  EXPECT_TRUE(check_against_itself(Snapshot(calibrated))->promises.empty());
  face::Calibration table;
  table.model_id = calibrated.model_id;
  table.points = {{1e-1, 0.1F}, {1e-3, 0.4F}, {1e-5, 0.6F}};
  table.tail_slope = -23;
  calibrated.calibration = table;
  const auto check = check_against_itself(Snapshot(calibrated));
  ASSERT_TRUE(check) << check.error().message;
  const auto& promises = check->promises;
  ASSERT_EQ(promises.size(), 10U);
  EXPECT_EQ(promises.front().rate, 1e-1);
  // 1 - (1 - FMR)^3 = 0.1 at FMR 0.0345: between 0.1 and 0.4, linear in ln FMR.
  EXPECT_NEAR(promises.front().match_threshold.similarity,
              0.1 + 0.3 * std::log(0.1 / 0.03451) / std::log(100), 1e-4);
  EXPECT_EQ(promises.front().missed_photo_count, 1U);  // the confused one
  EXPECT_EQ(promises.back().missed_photo_count, 2U);   // above 0.5: Ann's first too
}

TEST(SelfCheck, AVerificationMissesWhoIsTooUnlikeThemselvesWhoeverElseTheyAreLike) {
  GalleryModel calibrated = model();
  EXPECT_TRUE(check_against_itself(Snapshot(calibrated))->match_promises.empty());
  face::Calibration table;
  table.model_id = calibrated.model_id;
  table.points = {{1e-2, 0.1F}, {1e-3, 0.4F}, {1e-5, 0.6F}};
  table.tail_intercept = 2;
  table.tail_slope = -23;
  calibrated.calibration = table;
  const auto promises = check_against_itself(Snapshot(calibrated))->match_promises;
  ASSERT_EQ(promises.size(), 13U);
  EXPECT_EQ(promises.front().rate, 1e-2);
  EXPECT_NEAR(promises.front().match_threshold.similarity, 0.1, 1e-6);
  // Ann's photos are both at cos 60 = 0.5 to each other; Ben's are the same.
  EXPECT_EQ(promises.front().missed_photo_count, 0U) << "nobody else is asked about";
  EXPECT_NEAR(promises[6].match_threshold.similarity, 0.5, 1e-6);  // half way in ln FMR
  EXPECT_EQ(promises[9].rate, 1e-5);
  EXPECT_EQ(promises[9].missed_photo_count, 2U);  // above 0.5
  EXPECT_TRUE(promises.back().match_threshold.extrapolated);
}

TEST(SelfCheck, ASampleIsTakenFromEverybodyEvenly) {
  const auto check = check_against_itself(Snapshot(model()), {.photos = 2});
  EXPECT_EQ(check->checkable_photo_count, 4U);
  std::vector<size_t> people;
  for (const CheckedPhoto& photo : check->photos) people.push_back(photo.person_index);
  EXPECT_THAT(people, ElementsAre(0, 1));
}

TEST(SelfCheck, StopsWhenNobodyWaitsForItAnyMore) {
  std::stop_source gone;
  gone.request_stop();
  const auto check = check_against_itself(Snapshot(model()), {}, gone.get_token());
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().reason, "request_abandoned");
}

TEST(SelfCheck, TheLookAlikesOfOnePersonAreThoseOfTheWholeCheck) {
  const Snapshot snapshot(model());
  const auto all = check_against_itself(snapshot)->look_alikes;
  for (size_t person = 0; person < 3; ++person) {
    const auto own = look_alikes_of(snapshot, person, 3);
    ASSERT_TRUE(own) << own.error().message;
    ASSERT_EQ(own->size(), 2U);
    for (const Candidate& other : *own) {
      const auto same = std::ranges::find_if(all, [&](const LookAlike& pair) {
        return pair.person_index == person && pair.other_person_index == other.person_index;
      });
      ASSERT_NE(same, all.end());
      EXPECT_EQ(same->similarity, other.similarity);
    }
    EXPECT_GE(own->at(0).similarity, own->at(1).similarity);
  }
}

TEST(SelfCheck, OnePersonAloneHasNobodyToBeConfusedWith) {
  GalleryModel alone = model();
  alone.people.resize(1);
  const auto check = check_against_itself(Snapshot(alone));
  ASSERT_TRUE(check) << check.error().message;
  EXPECT_FALSE(check->photos[0].other_person_index);
  EXPECT_FALSE(check->photos[0].is_confused());
  EXPECT_TRUE(check->look_alikes.empty());
}

}  // namespace
}  // namespace faceforge::gallery
