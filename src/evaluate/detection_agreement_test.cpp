#include "evaluate/detection_agreement.h"

#include <cmath>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

constexpr float kLowest = 0.5F;

/// A face of 100 px at `x`, its eyes 50 px apart.
face::DetectedFace face_at(float x, float detection_score = 0.9F) {
  return {.box = {x, 0, 100, 100},
          .detection_score = detection_score,
          .landmarks = {{{x + 25, 40}, {x + 75, 40}, {x + 50, 60}, {x + 30, 80}, {x + 70, 80}}}};
}

DetectionAgreement agreement_of(const std::vector<face::DetectedFace>& parents,
                                const std::vector<face::DetectedFace>& others) {
  DetectionAgreement agreement;
  add_photo(parents, others, kLowest, agreement);
  return agreement;
}

TEST(DetectionAgreement, TheSameFacesAgreeWholly) {
  const auto agreement = agreement_of({face_at(0), face_at(300)}, {face_at(300), face_at(0)});
  EXPECT_EQ(agreement.face_count, 2U);
  EXPECT_EQ(agreement.matched_count, 2U);
  EXPECT_DOUBLE_EQ(agreement.mean_overlap, 1);
  EXPECT_TRUE(is_within_bounds(agreement));
  EXPECT_EQ(loss_of(agreement), 0);
}

TEST(DetectionAgreement, DifferencesAreMeansOverTheFaces) {
  // By hand: a shift of 1 in 100 overlaps by 99 / 101, and is 0.02 of the eyes' distance.
  const auto agreement =
      agreement_of({face_at(0), face_at(300)}, {face_at(1, 0.87F), face_at(300)});
  EXPECT_NEAR(agreement.mean_overlap, (99.0 / 101 + 1) / 2, 1e-6);
  EXPECT_NEAR(agreement.mean_landmark_distance, 0.01, 1e-6);
  EXPECT_NEAR(agreement.mean_score_difference, 0.015, 1e-6);
  EXPECT_NEAR(loss_of(agreement), 0.01, 1e-6) << "the landmarks are just at their bound";
  // In shares of 0.05, 0.02 and 0.01.
  EXPECT_NEAR(variance_of(agreement), std::pow(1.0 / 101 / 0.05, 2) + 0.75 * 0.75 + 1, 1e-4);
}

TEST(DetectionAgreement, AFaceOfOneAloneIsLostOrAdded) {
  const auto lost = agreement_of({face_at(0), face_at(300)}, {face_at(0)});
  EXPECT_EQ(lost.lost_count, 1U);
  EXPECT_FALSE(is_within_bounds(lost));
  const auto added = agreement_of({face_at(0)}, {face_at(0), face_at(300)});
  EXPECT_EQ(added.added_count, 1U);
  EXPECT_FALSE(is_within_bounds(added));
  EXPECT_GT(loss_of(added), loss_of(agreement_of({face_at(0)}, {face_at(4)})));
}

TEST(DetectionAgreement, ABoxThatMovedByHalfIsAnotherFace) {
  const auto agreement = agreement_of({face_at(0)}, {face_at(60)});
  EXPECT_EQ(agreement.lost_count, 1U);
  EXPECT_EQ(agreement.added_count, 1U);
}

TEST(DetectionAgreement, OneFaceAtTheLowestScoreMayWaverAndNotThree) {
  DetectionAgreement agreement;
  add_photo(std::vector{face_at(0), face_at(300, 0.52F)}, std::vector{face_at(0)}, kLowest,
            agreement);
  EXPECT_EQ(agreement.wavering_count, 1U);
  EXPECT_EQ(agreement.lost_count, 0U);
  EXPECT_TRUE(is_within_bounds(agreement));
  for (int photo = 0; photo < 2; ++photo) {
    add_photo(std::vector{face_at(0)}, std::vector{face_at(0), face_at(300, 0.54F)}, kLowest,
              agreement);
  }
  EXPECT_EQ(agreement.wavering_count, 3U);
  EXPECT_FALSE(is_within_bounds(agreement));
}

TEST(DetectionAgreement, OfTwoBoxesTheNearerIsTheSameFace) {
  const auto agreement = agreement_of({face_at(0)}, {face_at(20), face_at(1)});
  EXPECT_NEAR(agreement.mean_overlap, 99.0 / 101, 1e-6);
  EXPECT_EQ(agreement.added_count, 1U);
}

TEST(DetectionAgreement, EachMeanHasItsBound) {
  DetectionAgreement agreement = agreement_of({face_at(0)}, {face_at(0)});
  agreement.mean_overlap = 0.94;
  EXPECT_FALSE(is_within_bounds(agreement));
  agreement.mean_overlap = 1;
  agreement.mean_score_difference = 0.021;
  EXPECT_FALSE(is_within_bounds(agreement));
  agreement.mean_score_difference = 0;
  agreement.mean_landmark_distance = 0.011;
  EXPECT_FALSE(is_within_bounds(agreement));
}

}  // namespace
}  // namespace faceforge::evaluate
