#include "gallery/train.h"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;
using Vectors = std::vector<std::vector<float>>;

std::vector<float> unit(std::vector<float> values) {
  EXPECT_TRUE(face::normalize(values));
  return values;
}

/// Unit vectors around `center`, each off by normal noise of this size a component.
Vectors around(const std::vector<float>& center, size_t count, float noise, std::mt19937& random) {
  std::normal_distribution<float> normal(0, noise);
  Vectors vectors;
  for (size_t index = 0; index < count; ++index) {
    std::vector<float> values = center;
    for (float& value : values) value += normal(random);
    vectors.push_back(unit(std::move(values)));
  }
  return vectors;
}

std::vector<bool> disagreeing(const Vectors& vectors, float agreement_similarity,
                              face::Metric metric = face::Metric::Cosine) {
  const std::vector<std::span<const float>> views(vectors.begin(), vectors.end());
  return gallery::disagreeing(views, metric, agreement_similarity);
}

TEST(TemplateSum, TheMeanOfTwoUnitVectorsPointsBetweenThem) {
  TemplateSum sum(2);
  sum.add(std::vector<float>{1, 0});
  sum.add(std::vector<float>{0, 1});
  const auto mean = sum.mean(face::Metric::Cosine);
  ASSERT_EQ(mean.size(), 2U);
  EXPECT_FLOAT_EQ(mean[0], std::sqrt(0.5F));
  EXPECT_FLOAT_EQ(mean[1], std::sqrt(0.5F));
  // The mean vector (1/2, 1/2) has length sqrt(1/2).
  EXPECT_FLOAT_EQ(sum.spread(face::Metric::Cosine), 1 - std::sqrt(0.5F));
}

TEST(TemplateSum, WithL2TheMeanIsNotNormalizedAndTheSpreadIsHalfTheMeanSquaredDistance) {
  TemplateSum sum(2);
  sum.add(std::vector<float>{1, 0});
  sum.add(std::vector<float>{3, 2});
  EXPECT_THAT(sum.mean(face::Metric::L2), ElementsAre(2, 1));
  EXPECT_FLOAT_EQ(sum.spread(face::Metric::L2), 1);  // both lie sqrt(2) from (2, 1)
}

TEST(TemplateSum, WithCosineAFaceIsAsSimilarAsToThePhotosOnAverageAndNotMore) {
  TemplateSum sum(2);
  sum.add(std::vector<float>{1, 0});
  sum.add(std::vector<float>{0, 1});
  // Cosines 0.8 and 0.6 to the photos. To the direction between them it is 0.99.
  const std::vector<float> face{0.8F, 0.6F};
  EXPECT_NEAR(*sum.similarity(face, face::Metric::Cosine), (0.8 + 0.6) / 2, 1e-6);
  sum.remove(std::vector<float>{0, 1});
  EXPECT_NEAR(*sum.similarity(face, face::Metric::Cosine), 0.8, 1e-6);
}

TEST(TemplateSum, WithCosineTheSimilarityIsTheMeanOfThoseToThePhotosHoweverManyThereAre) {
  std::mt19937 random(4);
  const auto photos = around(unit(std::vector<float>(64, 1)), 7, 0.1F, random);
  TemplateSum sum(64);
  for (const auto& photo : photos) sum.add(photo);
  for (const auto& face : around(unit(std::vector<float>(64, 1)), 5, 0.3F, random)) {
    double mean = 0;
    for (const auto& photo : photos) {
      mean += double{face::similarity(face, photo, face::Metric::Cosine)} / 7;
    }
    EXPECT_NEAR(*sum.similarity(face, face::Metric::Cosine), mean, 1e-6);
  }
}

TEST(TemplateSum, WithL2AFaceIsAsSimilarAsToThePhotosOnAverageAndNotMore) {
  TemplateSum sum(2);
  sum.add(std::vector<float>{0, 0});
  sum.add(std::vector<float>{0.8F, 0});
  // Squared distances 1 and 0.36: similarities 0.5 and 0.82. To the mean (0.4, 0) it is 0.74.
  const std::vector<float> face{0.8F, 0.6F};
  EXPECT_NEAR(*sum.similarity(face, face::Metric::L2), (0.5 + 0.82) / 2, 1e-6);
  sum.remove(std::vector<float>{0, 0});
  EXPECT_NEAR(*sum.similarity(face, face::Metric::L2), 0.82, 1e-6);
}

TEST(TemplateSum, WithL2NobodyIsLessSimilarThanMinusOne) {
  TemplateSum sum(1);
  sum.add(std::vector<float>{-1.5F});
  sum.add(std::vector<float>{1.5F});
  EXPECT_EQ(sum.similarity(std::vector<float>{1.5F}, face::Metric::L2),
            -1);  // 1 - 2.25 / 2 - 1.125
}

TEST(TemplateSum, TakingAPhotoOutLeavesBitByBitWhatWasThereWithoutIt) {
  std::mt19937 random(1);
  const auto photos = around(std::vector<float>(512, 0.05F), 50, 0.1F, random);
  for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
    TemplateSum with(512);
    TemplateSum without(512);
    for (const auto& photo : photos) with.add(photo);
    for (size_t index = photos.size(); index-- > 0;) {
      if (index != 17) without.add(photos[index]);  // in another order, too
    }
    with.remove(photos[17]);
    EXPECT_EQ(with, without);
    EXPECT_EQ(with.mean(metric), without.mean(metric));
    EXPECT_EQ(with.spread(metric), without.spread(metric));
  }
}

TEST(TemplateSum, CopiesOfOnePhotoHaveNoSpreadAndNothingHasNoMean) {
  TemplateSum sum(3);
  EXPECT_TRUE(sum.mean(face::Metric::Cosine).empty());
  const auto photo = unit({1, 2, 3});
  for (int copy = 0; copy < 1000; ++copy) sum.add(photo);
  EXPECT_NEAR(sum.spread(face::Metric::Cosine), 0, 1e-7);  // float components are not quite unit
  TemplateSum opposite(1);
  opposite.add(std::vector<float>{1});
  opposite.add(std::vector<float>{-1});
  EXPECT_TRUE(opposite.mean(face::Metric::Cosine).empty());
  EXPECT_FALSE(opposite.similarity(std::vector<float>{1}, face::Metric::Cosine));
}

TEST(TemplateSum, IsStoredAndReadBackTheSame) {
  TemplateSum sum(4);
  sum.add(std::vector<float>{-0.5F, 0.25F, 1e-9F, 15.99F});
  const auto bytes = sum.to_bytes();
  EXPECT_EQ(bytes.size(), 6 * 8U);
  const auto again = TemplateSum::from_bytes(bytes, 4);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, sum);
  EXPECT_EQ(TemplateSum::from_bytes(bytes, 5).error().reason, "template_damaged");
  EXPECT_EQ(TemplateSum::from_bytes(std::vector<std::byte>(48), 4).error().reason,
            "template_damaged");  // counts no photo
}

TEST(TemplateSumDeath, AComponentThatIsNoNumberOrTooLargeIsABug) {
  TemplateSum sum(1);
  EXPECT_DEATH(sum.add(std::vector<float>{NAN}), "kMaxComponent");
  EXPECT_DEATH(sum.add(std::vector<float>{17}), "kMaxComponent");
  EXPECT_DEATH(sum.remove(std::vector<float>{1}), "count_");
}

TEST(Disagreeing, AStrangerAmongThePhotosOfAPersonIsFoundAndNobodyElse) {
  std::mt19937 random(2);
  // Noise of 0.05 over 512 components has length 1.1: photos of a person are about 0.45 similar.
  const auto person = unit(around(std::vector<float>(512, 0), 1, 1, random).front());
  const auto stranger = unit(around(std::vector<float>(512, 0), 1, 1, random).front());
  auto photos = around(person, 5, 0.05F, random);
  photos.insert(photos.begin() + 2, around(stranger, 1, 0.05F, random).front());
  EXPECT_THAT(disagreeing(photos, 0.25F), ElementsAre(false, false, true, false, false, false));
}

TEST(Disagreeing, AStrangerAmongThreeDoesNotDragTheGoodPhotosDown) {
  // The good ones' similarity to the mean of the others, the stranger among these, is about 0.7:
  // judged by that mean they would go too.
  const Vectors photos{{0, 0, 1}, unit({1, 0.1F, 0}), unit({1, -0.1F, 0})};
  EXPECT_THAT(disagreeing(photos, 0.75F), ElementsAre(true, false, false));
}

TEST(Disagreeing, TwoStrangersCannotVouchForEachOther) {
  // Two photos of one stranger among five: each is 0.4 similar to the mean of all the others.
  const Vectors photos{{1, 0}, {0, 1}, unit({1, 0.1F}), {0, 1}, unit({1, 0.2F})};
  EXPECT_THAT(disagreeing(photos, 0.3F), ElementsAre(false, true, false, true, false));
}

TEST(Disagreeing, OfTwoThatDisagreeTheOneAddedLaterGoes) {
  EXPECT_THAT(disagreeing({unit({1, 0.1F}), unit({-0.3F, 1})}, 0.25F), ElementsAre(false, true));
  EXPECT_THAT(disagreeing({{1, 0}, {-1, 0}}, 0.25F), ElementsAre(false, true));
}

TEST(Disagreeing, OfTwoCrowdsTheLargerStays) {
  std::mt19937 random(3);
  auto photos = around(unit({1, 0, 0, 0}), 2, 0.05F, random);
  const auto more = around(unit({0, 1, 0, 0}), 3, 0.05F, random);
  photos.insert(photos.end(), more.begin(), more.end());
  EXPECT_THAT(disagreeing(photos, 0.25F), ElementsAre(true, true, false, false, false));
}

TEST(Disagreeing, WithL2DistancesDecide) {
  // Squared distance from (3, 0) to the mean of the others (0.05, 0) is 8.7: similarity -3.35.
  const Vectors photos{{0, 0}, {3, 0}, {0.1F, 0}};
  EXPECT_THAT(disagreeing(photos, 0.5F, face::Metric::L2), ElementsAre(false, true, false));
}

TEST(Disagreeing, WithL2APhotoIsHeldAgainstTheMeanHoweverFarApartThePhotosLie) {
  // The last photo is 0.455 similar to the mean of the first two, 0.5 to that of the three; to
  // these photos on average 0.41 and 0.38.
  const Vectors photos{{-0.6F, 0}, {0, 0}, {0.6F, 0}, {0, 1}};
  EXPECT_THAT(disagreeing(photos, 0.45F, face::Metric::L2),
              ElementsAre(false, false, false, false));
  EXPECT_THAT(disagreeing(photos, 0.52F, face::Metric::L2), ElementsAre(false, false, false, true));
}

TEST(Disagreeing, APhotoAloneAgreesWithItselfAndSoDoCopies) {
  EXPECT_TRUE(disagreeing({}, 0.5F).empty());
  EXPECT_THAT(disagreeing({{1, 0}}, 0.5F), ElementsAre(false));
  EXPECT_THAT(disagreeing({{1, 0}, {1, 0}}, 0.5F), ElementsAre(false, false));
}

TEST(CheckEmbedding, RefusesWhatASumCouldNotHold) {
  const auto reason = [](std::vector<float> values) {
    const auto checked =
        check_embedding({face::ModelId("m"), face::Metric::Cosine, std::move(values)});
    return checked ? "fine" : checked.error().reason;
  };
  EXPECT_EQ(reason({0, -16, 16}), "fine");
  for (const float value : {16.001F, -17.0F, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_EQ(reason({0, value}), "embedding_out_of_range") << value;
  }
  EXPECT_EQ(reason({}), "embedding_out_of_range");
}

}  // namespace
}  // namespace faceforge::gallery
