#include "evaluate/calibrate.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

const face::ModelId kModel("ab");

PersonEmbeddings person_of(const std::string& name, const std::vector<std::vector<float>>& values,
                           face::Metric metric = face::Metric::Cosine) {
  PersonEmbeddings person{.name = name, .photos = {}, .embeddings = {}};
  for (const auto& one : values) {
    person.photos.push_back(name + "/" + std::to_string(person.photos.size()));
    person.embeddings.push_back({kModel, metric, one});
  }
  return person;
}

std::vector<float> random_direction(std::mt19937& random, size_t length) {
  std::normal_distribution<float> normal;
  std::vector<float> values(length);
  for (float& value : values) value = normal(random);
  EXPECT_TRUE(face::normalize(values));
  return values;
}

/// 400 strangers and 20 people with two photos whose similarity is 0.6 or 0.8 by turns.
std::vector<PersonEmbeddings> crowd() {
  std::mt19937 random(7);
  std::vector<PersonEmbeddings> people;
  for (int i = 0; i < 400; ++i) {
    people.push_back(person_of("S" + std::to_string(i), {random_direction(random, 64)}));
  }
  for (int i = 0; i < 20; ++i) {
    const auto first = random_direction(random, 64);
    auto second = random_direction(random, 64);
    const float along = face::similarity(first, second, face::Metric::Cosine);
    for (size_t k = 0; k < 64; ++k) second[k] -= along * first[k];  // now at a right angle
    EXPECT_TRUE(face::normalize(second));
    const float cosine = i % 2 == 0 ? 0.6F : 0.8F;
    const float sine = i % 2 == 0 ? 0.8F : 0.6F;
    for (size_t k = 0; k < 64; ++k) second[k] = cosine * first[k] + sine * second[k];
    people.push_back(person_of("P" + std::to_string(i), {first, second}));
  }
  return people;
}

// 440 photos give 440 * 439 / 2 = 96 580 pairs, 20 of them genuine.
TEST(Calibrate, EveryPairOfTwoPeopleAndNoPairOfOneCounts) {
  const auto report = calibrate(crowd()).value();
  EXPECT_EQ(report.calibration.impostor_pair_count, 96'560);
  EXPECT_EQ(report.person_count, 420);
  EXPECT_EQ(report.photo_count, 440);
  EXPECT_EQ(report.calibration.model_id, kModel);
}

// Ten errors of 96 560 pairs stand behind 1.04e-4; 1e-4 is 9.7 errors, too few.
TEST(Calibrate, TheTableEndsWhereFewerThanTenErrorsStandBehindAValue) {
  const auto report = calibrate(crowd()).value();
  EXPECT_NEAR(report.rates.front().false_match_rate, 0.1, 1e-12);
  EXPECT_NEAR(report.rates.back().false_match_rate, 2e-4, 1e-12);
  for (size_t i = 0; i < report.rates.size(); ++i) {
    const MeasuredRate& rate = report.rates[i];
    EXPECT_GE(rate.error_count, kErrorsBehindARate - 1);
    EXPECT_LE(static_cast<double>(rate.error_count), rate.false_match_rate * 96'560);
    if (i > 0) {
      EXPECT_GT(rate.match_threshold, report.rates[i - 1].match_threshold);
    }
  }
}

// Cosines of random directions in 64 dimensions are nearly normal with deviation 1/8: one in a
// hundred exceeds 2.326 / 8 = 0.291 (the exact distribution, beta, by the same integration, has
// 0.2879 there).
TEST(Calibrate, ThresholdsAgreeWithTheKnownDistributionOfRandomDirections) {
  const auto report = calibrate(crowd()).value();
  for (const MeasuredRate& rate : report.rates) {
    if (std::abs(rate.false_match_rate - 0.01) < 1e-9) {
      EXPECT_NEAR(rate.match_threshold, 0.2876, 0.01);
      return;
    }
  }
  FAIL() << "no rate of 0.01";
}

// The same distribution exceeds 0.5 with probability 1.11e-5 (numerical
// integration of (1 - x^2)^(61/2)), where nothing was measured. A factor of four either way
// is what 96 560 pairs can promise.
TEST(Calibrate, TheTailPredictsARateThatWasNeverSeen) {
  const auto report = calibrate(crowd()).value();
  const face::Calibration& table = report.calibration;
  const Tail tail{table.tail_intercept, table.tail_slope, table.tail_curvature};
  EXPECT_NEAR(tail.ln_false_match_rate(0.5), std::log(1.11e-5), std::log(4.0));
}

// Forty similarities, half 0.6 and half 0.8: mean 0.7, deviation 0.1 * sqrt(40 / 39).
TEST(Calibrate, TheMarginIsTwoDeviationsOfAPhotosSimilarityToItsOwnTemplate) {
  const auto report = calibrate(crowd()).value();
  EXPECT_EQ(report.own_similarity_count, 40);
  EXPECT_NEAR(report.own_similarity_mean, 0.7, 1e-4);
  EXPECT_NEAR(report.calibration.ambiguity_margin, 2 * 0.1 * std::sqrt(40.0 / 39), 1e-4);
}

// Three photos at 0, 1 and 1 / 2 of a line: squared distances 1, 1 / 4 and 1 / 4. The first two are
// (1 / 2 + 7 / 8) / 2 similar to the others on average, the third 7 / 8; to the mean of the others
// alone it would be 1 - 9 / 32 and 1.
TEST(Calibrate, WithL2APhotosSimilarityToItsTemplateIsThatToTheOtherPhotosOnAverage) {
  std::mt19937 random(8);
  std::vector<PersonEmbeddings> people;
  for (int i = 0; i < 400; ++i) {
    people.push_back(
        person_of("S" + std::to_string(i), {random_direction(random, 64)}, face::Metric::L2));
  }
  for (int i = 0; i < 10; ++i) {
    const auto start = random_direction(random, 64);
    const auto step = random_direction(random, 64);
    auto end = start;
    auto middle = start;
    for (size_t k = 0; k < 64; ++k) {
      end[k] += step[k];
      middle[k] += step[k] / 2;
    }
    people.push_back(person_of("P" + std::to_string(i), {start, end, middle}, face::Metric::L2));
  }
  const auto report = calibrate(people);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->own_similarity_count, 30);
  EXPECT_NEAR(report->own_similarity_mean, (2 * 0.6875 + 0.875) / 3, 1e-5);
}

// Photos at right angles to one another but for the third, which lies between the first two: 0 and
// 0.7071 similar to the others, 0.7071 twice. To the others' direction it would be 0.5 and 1.
TEST(Calibrate, WithCosineAPhotosSimilarityToItsTemplateIsThatToTheOtherPhotosOnAverage) {
  auto people = crowd();
  people.resize(400);
  std::mt19937 random(9);
  for (int i = 0; i < 10; ++i) {
    const auto first = random_direction(random, 64);
    auto second = random_direction(random, 64);
    const float along = face::similarity(first, second, face::Metric::Cosine);
    for (size_t k = 0; k < 64; ++k) second[k] -= along * first[k];
    EXPECT_TRUE(face::normalize(second));
    auto between = first;
    for (size_t k = 0; k < 64; ++k) between[k] += second[k];
    EXPECT_TRUE(face::normalize(between));
    people.push_back(person_of("P" + std::to_string(i), {first, second, between}));
  }
  const auto report = calibrate(people);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->own_similarity_count, 30);
  const double diagonal = std::sqrt(0.5);
  EXPECT_NEAR(report->own_similarity_mean, (2 * diagonal / 2 + diagonal) / 3, 1e-5);
}

TEST(Calibrate, LookAlikesAreShownWithTheMostSimilarFirst) {
  auto people = crowd();
  people.push_back(person_of("Twin", {people[3].embeddings[0].values}));
  const auto report = calibrate(people).value();
  ASSERT_EQ(report.look_alikes.size(), 20);
  EXPECT_EQ(report.look_alikes[0].first_photo, "S3/0");
  EXPECT_EQ(report.look_alikes[0].second_photo, "Twin/0");
  EXPECT_NEAR(report.look_alikes[0].similarity, 1, 1e-5);
  EXPECT_GE(report.look_alikes[1].similarity, report.look_alikes[19].similarity);
}

TEST(Calibrate, TooFewPairsOrPhotosOfOnePersonAreRefused) {
  const auto people = crowd();
  const std::span all(people);
  EXPECT_EQ(calibrate(all.first(50)).error().reason, "too_few_impostor_pairs");
  EXPECT_EQ(calibrate(all.first(405)).error().reason, "too_few_photos_per_person");
  EXPECT_EQ(calibrate({}).error().reason, "too_few_impostor_pairs");
}

TEST(Calibrate, AStopEndsTheSumsWithoutAResult) {
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(calibrate(crowd(), source.get_token()).error().code, ErrorCode::Cancelled);
}

TEST(Calibrate, AModelThatTellsNobodyApartIsRefused) {
  std::vector<PersonEmbeddings> people;
  for (int i = 0; i < 200; ++i) {
    people.push_back(person_of(std::to_string(i), {{1, 0}, {1, 0}}));
  }
  EXPECT_EQ(calibrate(people).error().reason, "tail_not_falling");
}

}  // namespace
}  // namespace faceforge::evaluate
