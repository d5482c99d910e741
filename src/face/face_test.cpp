#include <cmath>

#include <gtest/gtest.h>

#include "face/bounding_box.h"
#include "face/embedding.h"

namespace faceforge::face {
namespace {

TEST(BoundingBox, OverlapIsTheSharedAreaOverTheCoveredArea) {
  // By hand: two 2x2 squares sharing a 1x1 corner cover 7 and share 1.
  EXPECT_FLOAT_EQ(intersection_over_union({0, 0, 2, 2}, {1, 1, 2, 2}), 1.0F / 7.0F);
  EXPECT_EQ(intersection_over_union({0, 0, 2, 2}, {2, 0, 2, 2}), 0);
  EXPECT_EQ(intersection_over_union({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

TEST(Similarity, BothMetricsAgreeOnUnitVectors) {
  const std::vector<float> a{1, 0};
  const std::vector<float> b{0.6F, 0.8F};
  EXPECT_FLOAT_EQ(similarity(a, b, Metric::Cosine), 0.6F);
  EXPECT_FLOAT_EQ(similarity(a, b, Metric::L2), 0.6F);
}

TEST(Similarity, FarPointsAreClampedAtMinusOne) {
  const std::vector<float> a{10, 0};
  const std::vector<float> b{-10, 0};
  EXPECT_EQ(similarity(a, b, Metric::L2), -1);
}

TEST(Similarity, EmbeddingsOfTwoModelsAreNeverCompared) {
  const Embedding a{ModelId("aa"), Metric::Cosine, {1, 0}};
  Embedding b = a;
  EXPECT_EQ(similarity(a, b).value(), 1);
  b.model_id = ModelId("bb");
  EXPECT_EQ(similarity(a, b).error().reason, "model_mismatch");
}

TEST(Embedding, NormalizeBringsToUnitLengthAndRefusesZeroAndNan) {
  std::vector<float> values{3, 4};
  ASSERT_TRUE(normalize(values));
  EXPECT_FLOAT_EQ(values[0], 0.6F);
  EXPECT_FLOAT_EQ(values[1], 0.8F);
  std::vector<float> zero{0, 0};
  EXPECT_FALSE(normalize(zero));
  std::vector<float> broken{NAN, 1};
  EXPECT_FALSE(normalize(broken));
}

TEST(Metric, NamesAreReadBackAndOthersRefused) {
  EXPECT_EQ(metric_from("l2").value(), Metric::L2);
  EXPECT_EQ(metric_from(to_string(Metric::Cosine)).value(), Metric::Cosine);
  EXPECT_EQ(metric_from("euclid").error().reason, "metric_unknown");
}

}  // namespace
}  // namespace faceforge::face
