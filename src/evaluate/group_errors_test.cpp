#include "evaluate/group_errors.h"

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"

namespace faceforge::evaluate {
namespace {

/// P0 twice the same and P1 at 0.6 to each other; P2 twice the same. P0 and P1 are 0.8 alike.
LabelledPhotos three_people() {
  return photos_of_people(
      {{{1, 0, 0}, {1, 0, 0}}, {{0.8F, 0.6F, 0}, {0.8F, -0.28F, 0.53F}}, {{0, 0, 1}, {0, 0, 1}}});
}

// At 0.7: the genuine pair of P0 matches; that of P1 (0.64 - 0.168 = 0.47) does not. In the group
// of P0 and P1 each photo of P0 is 0.8 alike to each of P1: four false matches of four.
TEST(GroupErrors, AreCountedWithinTheGroup) {
  const LabelledPhotos photos = three_people();
  const std::vector<AttributeGroups> attributes{{.attribute = "half",
                                                 .groups = {"left", "right"},
                                                 .group_of_photo = {0, 0, 0, 0, 1, std::nullopt}}};
  const auto measured = measure_groups(photos, attributes, 0.7F, {}).value();
  ASSERT_EQ(measured.size(), 1);
  const GroupErrors& left = measured[0].groups[0];
  EXPECT_EQ(left.photo_count, 4);
  EXPECT_EQ(left.false_non_matches.error_count, 1);
  EXPECT_EQ(left.false_non_matches.trial_count, 2);
  EXPECT_EQ(left.false_matches.error_count, 4);
  EXPECT_EQ(left.false_matches.trial_count, 4);
  const GroupErrors& right = measured[0].groups[1];
  EXPECT_EQ(right.photo_count, 1);
  EXPECT_EQ(right.false_non_matches.trial_count, 0);
}

TEST(GroupErrors, APhotoWithoutAnEmbeddingIsANonMatch) {
  LabelledPhotos photos = three_people();
  photos.photos[0].embedding.reset();
  const std::vector<AttributeGroups> attributes{
      {.attribute = "a", .groups = {"g"}, .group_of_photo = {0, 0, 0, 0, 0, 0}}};
  const auto measured = measure_groups(photos, attributes, 0.7F, {}).value();
  EXPECT_EQ(measured[0].groups[0].false_non_matches.error_count, 2);
  EXPECT_EQ(measured[0].groups[0].false_matches.error_count, 2);
}

TEST(GroupErrors, AStopEndsIt) {
  std::stop_source source;
  source.request_stop();
  const std::vector<AttributeGroups> attributes{
      {.attribute = "a", .groups = {"g"}, .group_of_photo = {0, 0, 0, 0, 0, 0}}};
  const auto stopped =
      measure_groups(three_people(), attributes, 0.7F, {.report = {}, .stop = source.get_token()});
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

// Photos of 10, 20, .. 60 px: quartiles at 10, 20, 30, 40, 60. The pairs' smaller photos are 10, 30
// and 50 px: in the first, the third and the last bin. Yaw is worse the larger it is, whichever
// way: the pairs' worse photos turn by 5, 5 and 20 degrees.
TEST(QualityErrors, APairIsAsGoodAsItsWorsePhoto) {
  LabelledPhotos photos = three_people();
  const std::vector<float> yaws{0, -5, 5, 0, -20, 10};
  for (size_t i = 0; i < 6; ++i) {
    photos.photos[i].quality =
        face::Quality{.face_size_px = 10.0F * static_cast<float>(i + 1), .yaw_deg = yaws[i]};
  }
  const auto measured = measure_quality(photos, 0.7F);
  ASSERT_EQ(measured.size(), 2);  // all photos agree in the other measures
  EXPECT_EQ(measured[0].measure, "face_size_px");
  const auto& sizes = measured[0].bins;
  ASSERT_EQ(sizes.size(), 4);
  EXPECT_EQ(sizes[0].low, 10);
  EXPECT_EQ(sizes[3].high, 60);
  const auto trials = [](const std::vector<QualityBin>& bins) {
    std::vector<int64_t> counts;
    for (const auto& bin : bins) counts.push_back(bin.false_non_matches.trial_count);
    return counts;
  };
  EXPECT_EQ(trials(sizes), (std::vector<int64_t>{1, 0, 1, 1}));
  EXPECT_EQ(sizes[2].false_non_matches.error_count, 1);  // P1's pair
  EXPECT_EQ(measured[1].measure, "yaw_deg");
  EXPECT_EQ(measured[1].bins.back().high, 20);
  EXPECT_EQ(measured[1].bins.back().false_non_matches.trial_count, 3);
  EXPECT_TRUE(measure_quality(three_people(), 0.7F).empty());
}

}  // namespace
}  // namespace faceforge::evaluate
