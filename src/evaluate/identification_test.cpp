#include "evaluate/identification.h"

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"

namespace faceforge::evaluate {
namespace {

std::vector<std::vector<float>> axis_photos(size_t axis, size_t count) {
  std::vector<float> photo(40);
  photo[axis] = 1;
  return std::vector(count, photo);
}

/// Forty people at right angles to each other, with five equal photos each.
std::vector<std::vector<std::vector<float>>> right_angles() {
  std::vector<std::vector<std::vector<float>>> people;
  for (size_t person = 0; person < 40; ++person) people.push_back(axis_photos(person, 5));
  return people;
}

IdentificationReport measure(const LabelledPhotos& photos,
                             const IdentificationOptions& options = {}) {
  return measure_identification(photos, options, {}).value();
}

// 20 of the 40 people are enrolled with three photos each: two mated searches each. The 100 photos
// of the others are non-mated: at FPIR 0.1 ten errors are expected, at 0.01 one.
TEST(Identification, PeopleWhoAreNothingAlikeAreAllFound) {
  const IdentificationReport report = measure(photos_of_people(right_angles()));
  EXPECT_EQ(report.enrolled_person_count, 20);
  EXPECT_EQ(report.stranger_count, 20);
  EXPECT_EQ(report.mated_photo_count, 40);
  EXPECT_EQ(report.non_mated_photo_count, 100);
  ASSERT_EQ(report.sizes.size(), 2);
  EXPECT_EQ(report.sizes[0].person_count, 10);
  EXPECT_EQ(report.sizes[0].gallery_count, 2);
  EXPECT_EQ(report.sizes[1].person_count, 20);
  for (const GallerySizeResult& size : report.sizes) {
    EXPECT_EQ(size.rank_misses[0].error_count, 0);
    EXPECT_EQ(size.rank_misses[0].trial_count, 40);
    const auto& measured = size.rates[0].measured.value();
    EXPECT_EQ(measured.false_negatives.error_count, 0);
    EXPECT_EQ(measured.false_positives.error_count, 0);  // all at 0, which the threshold is above
    EXPECT_EQ(measured.false_positives.trial_count, 100 * static_cast<int64_t>(size.gallery_count));
  }
  EXPECT_FALSE(report.sizes[1].rates[1].measured.has_value());
}

// With copies of one face on everybody nobody can be told apart: every stranger is as similar as
// the person, so that a threshold which keeps strangers out lets nobody in; at rank 20 of 20 people
// the person is among them.
TEST(Identification, PeopleWhoAreAllAlikeAreAllMissed) {
  std::vector<std::vector<std::vector<float>>> people(40, axis_photos(0, 5));
  const IdentificationReport report = measure(photos_of_people(people));
  const GallerySizeResult& all = report.sizes.back();
  EXPECT_EQ(all.rates[0].measured->false_negatives.error_count, 40);
  EXPECT_EQ(all.rank_misses[0].error_count, 38);  // of equals the first enrolled comes first
  EXPECT_EQ(all.rank_misses[1].error_count, 30);
  EXPECT_EQ(all.rank_misses[2].error_count, 0);
}

TEST(Identification, WhatGaveNoEmbeddingIsMissedAndNoFalsePositive) {
  auto people = right_angles();
  for (auto& photos : people) photos = std::vector(5, std::vector<float>(40));
  people[0] = axis_photos(0, 5);
  const IdentificationReport report = measure(photos_of_people(people));
  // Whether person 0 is enrolled is drawn; all others are failures, enrolled or not.
  EXPECT_GE(report.failure_to_enroll_count, 19);
  EXPECT_GE(report.failure_to_acquire_count, 133);
  EXPECT_GE(report.sizes.back().rank_misses[2].error_count, 38);
  EXPECT_EQ(report.sizes.back().rates[0].measured->false_positives.error_count, 0);
}

TEST(Identification, TheSeedDecidesWhoIsEnrolled) {
  const LabelledPhotos photos = crowd(60, 4, 1.2F, 5);
  const auto misses = [&](uint64_t seed) {
    const auto report = measure(photos, {.seed = seed});
    return report.sizes.front().rank_misses[0].error_count;
  };
  EXPECT_EQ(misses(1), misses(1));
  EXPECT_TRUE(misses(1) != misses(2) || misses(1) != misses(3));
}

// A person with one photo can only be a stranger.
TEST(Identification, TwoPeopleWithSeveralPhotosAreNeeded) {
  const auto one = photos_of_people({axis_photos(0, 3), axis_photos(1, 1)});
  const auto refused = measure_identification(one, {}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, "too_few_people");
  const auto two =
      measure(photos_of_people({axis_photos(0, 3), axis_photos(1, 2), axis_photos(2, 1)}));
  EXPECT_EQ(two.enrolled_person_count, 1);
  EXPECT_EQ(two.stranger_count, 2);
}

TEST(Identification, SizesRiseByOneTwoFive) {
  EXPECT_EQ(gallery_sizes(7), (std::vector<size_t>{7}));
  EXPECT_EQ(gallery_sizes(10), (std::vector<size_t>{10}));
  EXPECT_EQ(gallery_sizes(120), (std::vector<size_t>{10, 20, 50, 100, 120}));
  EXPECT_EQ(gallery_sizes(200), (std::vector<size_t>{10, 20, 50, 100, 200}));
}

TEST(Identification, AStopEndsIt) {
  std::stop_source source;
  source.request_stop();
  const auto stopped = measure_identification(photos_of_people(right_angles()), {},
                                              {.report = {}, .stop = source.get_token()});
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace faceforge::evaluate
