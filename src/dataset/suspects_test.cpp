#include "dataset/suspects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/looked_people_test_support.h"
#include "dataset/photo_pages.h"

namespace faceforge::dataset {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// Photos agree at 0.8 (1 in 1000), about 37 degrees; someone else of the folder is one at 0.9.
face::Calibration calibration() {
  return {.model_id = kTestModel,
          .impostor_pair_count = 1'000'000,
          .points = {{1e-1, 0.2F}, {1e-3, 0.8F}, {1e-5, 0.95F}},
          .tail_intercept = 0,
          .tail_slope = -20,
          .tail_curvature = 0,
          .ambiguity_margin = 0.05F};
}

Result<image::Image> no_crop(const std::filesystem::path&) {
  return fail(ErrorCode::InvalidInput, "no_face_found", "no face");
}

/// Ada at 0 degrees, Bob at 90, Cleo at 180, three photos each.
LookedPeopleDraft three_people() {
  LookedPeopleDraft draft;
  for (const double degrees : {0, 4, 8}) draft.add("Ada", std::to_string(degrees), {degrees});
  for (const double degrees : {90, 94, 98}) draft.add("Bob", std::to_string(degrees), {degrees});
  for (const double degrees : {180, 184}) draft.add("Cleo", std::to_string(degrees), {degrees});
  return draft;
}

TEST(Suspects, PhotosThatAgreeAreNotInDoubt) {
  const auto report = find_suspects(three_people().people(), calibration());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->suspects, IsEmpty());
  EXPECT_EQ(report->judged_count, 8U);
  EXPECT_NEAR(report->agreement_similarity, 0.8F, 1e-6);
}

TEST(Suspects, APhotoOfSomeoneElseOfTheFolderIsMislabelledAndThatPersonIsNamed) {
  auto draft = three_people();
  draft.add("Cleo", "wrong.jpg", {92});
  const auto report = find_suspects(draft.people(), calibration());
  ASSERT_EQ(report->suspects.size(), 1U);
  const Suspect& suspect = report->suspects[0];
  EXPECT_EQ(draft.people().name_of(suspect.photo_index), "Cleo/wrong.jpg");
  EXPECT_EQ(suspect.doubt, Doubt::Mislabelled);
  EXPECT_EQ(draft.people().people[suspect.other_person_index.value()], "Bob");
  // By hand: Cleo's mean is at 182, of length cos 2; Bob's at 94, of length (1 + 2 cos 4) / 3.
  EXPECT_NEAR(suspect.own_similarity, 0.0, 1e-3);  // cos 90 * cos 2
  EXPECT_NEAR(suspect.other_similarity, 0.9994 * 0.9984, 1e-3);
}

TEST(Suspects, APhotoOfAStrangerIsUnlikeAndTheNearestPersonIsShownAllTheSame) {
  auto draft = three_people();
  draft.add("Cleo", "stranger.jpg", {270});
  const auto report = find_suspects(draft.people(), calibration());
  ASSERT_EQ(report->suspects.size(), 1U);
  EXPECT_EQ(report->suspects[0].doubt, Doubt::Unlike);
  EXPECT_LT(report->suspects[0].own_similarity, 0.1F);
  EXPECT_EQ(draft.people().people[report->suspects[0].other_person_index.value()], "Ada");
}

TEST(Suspects, WhereTheOtherFaceInThePhotoIsThePersonThatIsSaid) {
  auto draft = three_people();
  draft.add("Cleo", "both.jpg", {92, 181});
  const auto report = find_suspects(draft.people(), calibration());
  ASSERT_EQ(report->suspects.size(), 1U);
  EXPECT_EQ(report->suspects[0].doubt, Doubt::SecondFace);
  EXPECT_NEAR(report->suspects[0].second_face_similarity, 1.0, 1e-2);
  const std::string page = suspects_page("In doubt", draft.people(), *report, no_crop);
  EXPECT_THAT(page, HasSubstr("another face in the photo is the person"));
  EXPECT_THAT(page, HasSubstr("Cleo/both.jpg"));
}

TEST(Suspects, OnePersonUnderTwoNamesIsFoundThoughTheirPhotosAgree) {
  auto draft = three_people();
  for (const double degrees : {5, 12}) draft.add("Dora", std::to_string(degrees), {degrees});
  const auto report = find_suspects(draft.people(), calibration());
  ASSERT_FALSE(report->suspects.empty());
  for (const Suspect& suspect : report->suspects) EXPECT_EQ(suspect.doubt, Doubt::Mislabelled);
}

TEST(Suspects, PhotosWithoutAFaceAndPeopleWithOnePhotoAreCountedAndNotJudged) {
  auto draft = three_people();
  draft.add("Dora", "only.jpg", {250});
  draft.add("Emma", "faceless.jpg", {});
  const auto report = find_suspects(draft.people(), calibration());
  EXPECT_THAT(report->suspects, IsEmpty());
  EXPECT_EQ(report->alone_count, 1U);
  EXPECT_EQ(report->faceless_count, 1U);
  EXPECT_EQ(report->judged_count, 8U);
}

TEST(Suspects, WithoutACalibrationOfTheirModelNothingIsJudged) {
  EXPECT_EQ(find_suspects(three_people().people(), std::nullopt).error().reason,
            "pack_not_calibrated");
  face::Calibration other = calibration();
  other.model_id = face::ModelId("other");
  EXPECT_EQ(find_suspects(three_people().people(), other).error().reason, "model_mismatch");
}

TEST(Suspects, NobodyIsInDoubtWhereThereIsNoFace) {
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {});
  const auto report = find_suspects(draft.people(), calibration());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->faceless_count, 1U);
}

}  // namespace
}  // namespace faceforge::dataset
