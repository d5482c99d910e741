#include "evaluate/fusion.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

const vision::EmbedderSpec kDistance{.file = "distance.onnx",
                                     .output_length = 3,
                                     .normalization = vision::OutputNormalization::None};
const vision::EmbedderSpec kDirection{.file = "direction.onnx", .output_length = 2};

/// Strangers: three numbers of a normal distribution of deviation `spread`, then a point of
/// the unit circle about (5, -2).
std::vector<PersonEmbeddings> strangers(float spread, int count = 150) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> angle(0, 6.2831853F);
  std::vector<PersonEmbeddings> people;
  for (int i = 0; i < count; ++i) {
    const float turn = angle(random);
    PersonEmbeddings person{.name = std::to_string(i), .photos = {"a"}, .embeddings = {}};
    person.embeddings.push_back(
        {face::ModelId("ab"),
         face::Metric::L2,
         {spread * normal(random), spread * normal(random), spread * normal(random),
          5 + std::cos(turn), -2 + std::sin(turn)}});
    people.push_back(std::move(person));
  }
  return people;
}

TEST(Fusion, StrangersSpreadEquallyInEveryEmbedder) {
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  const auto report = fit_fusion(strangers(7, 1'000), embedders).value();
  ASSERT_EQ(report.embedders.size(), 2U);
  EXPECT_EQ(report.impostor_pair_count, 1'000 * 999 / 2);
  EXPECT_EQ(report.genuine_pair_count, 0);
  EXPECT_EQ(report.metric, face::Metric::L2);
  const auto weighted = [&](size_t index, double value) {
    const double weight = double{report.embedders[index].weight};
    return weight * weight * value;
  };
  EXPECT_NEAR(weighted(0, report.embedders[0].impostor_standard_deviation),
              weighted(1, report.embedders[1].impostor_standard_deviation), 1e-6);
  EXPECT_NEAR(weighted(0, report.embedders[0].impostor_mean) +
                  weighted(1, report.embedders[1].impostor_mean),
              2, 1e-6);
  // |a - b|^2 of two points of N(0, 7^2 I) in 3 dimensions: mean 6 * 49, and the deviation of
  // 2 * 49 * chi^2(3) / 2 is 98 * sqrt(6). 1 000 people leave both a relative standard error of
  // sqrt(2 / 3 / 1 000) = 2.6 %: three of them.
  EXPECT_NEAR(report.embedders[0].impostor_mean, 294, 23);
  EXPECT_NEAR(report.embedders[0].impostor_standard_deviation, 98 * std::sqrt(6.0), 19);
}

TEST(Fusion, OnlyWhatIsBroughtToUnitLengthIsCentred) {
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  const auto report = fit_fusion(strangers(1), embedders).value();
  EXPECT_TRUE(report.embedders[0].output_mean.empty());
  ASSERT_EQ(report.embedders[1].output_mean.size(), 2U);
  EXPECT_NEAR(report.embedders[1].output_mean[0], 5, 0.2);
  EXPECT_NEAR(report.embedders[1].output_mean[1], -2, 0.2);
}

TEST(Fusion, ScaleOfAnEmbedderDoesNotMatter) {
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  const auto small = fit_fusion(strangers(1), embedders).value();
  const auto large = fit_fusion(strangers(1'000), embedders).value();
  EXPECT_NEAR(large.embedders[0].weight * 1'000, small.embedders[0].weight, 1e-4);
  EXPECT_NEAR(large.embedders[1].weight, small.embedders[1].weight, 1e-4);
}

TEST(Fusion, EmbeddersOfUnitLengthMakeACosinePack) {
  auto people = strangers(1);
  const auto report =
      fit_fusion(people, std::vector{vision::EmbedderSpec{.output_length = 3}, kDirection}).value();
  EXPECT_EQ(report.metric, face::Metric::Cosine);
}

TEST(Fusion, TwoPhotosOfOnePersonAreNoStrangers) {
  auto people = strangers(1);
  people[0].embeddings.push_back(people[0].embeddings[0]);
  people[0].photos.emplace_back("b");
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  const auto report = fit_fusion(people, embedders).value();
  EXPECT_EQ(report.genuine_pair_count, 1);
  EXPECT_EQ(report.impostor_pair_count, 151 * 150 / 2 - 1);
  EXPECT_EQ(report.embedders[0].genuine_mean, 0);
}

TEST(Fusion, TooFewPairsAndAnEmbedderThatTellsNobodyApartAreRefused) {
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  auto people = strangers(1);
  people.resize(100);
  EXPECT_EQ(fit_fusion(people, embedders).error().reason, "too_few_impostor_pairs");
  const auto refused = fit_fusion(strangers(0), embedders);
  EXPECT_EQ(refused.error().reason, "fusion_degenerate");
  EXPECT_NE(refused.error().message.find("distance.onnx"), std::string::npos);
}

TEST(Fusion, AStopEndsTheSumsWithoutAResult) {
  const std::vector<vision::EmbedderSpec> embedders{kDistance, kDirection};
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(fit_fusion(strangers(1), embedders, source.get_token()).error().code,
            ErrorCode::Cancelled);
}

}  // namespace
}  // namespace faceforge::evaluate
