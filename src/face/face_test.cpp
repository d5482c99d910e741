#include <cmath>

#include <gtest/gtest.h>

#include "face/bounding_box.h"
#include "face/calibration_json.h"
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

json::object calibration_text(std::string_view points, std::string_view tail = "[1.5,-30,-2]",
                              std::string_view margin = "0.125") {
  const std::string text = fmt::format(
      R"({{"model_id":"ab","impostor_pair_count":1000,"points":{},"tail":{},"ambiguity_margin":{}}})",
      points, tail, margin);
  return json::parse(text)->as_object();
}

constexpr std::string_view kTwoPoints =
    R"([{"false_match_rate":0.01,"match_threshold":0.2},{"false_match_rate":0.001,"match_threshold":0.3}])";

TEST(CalibrationJson, IsReadAsItStandsAndWrittenBackTheSame) {
  const json::object text = calibration_text(kTwoPoints);
  const auto calibration = calibration_from_json(text);
  ASSERT_TRUE(calibration);
  EXPECT_EQ(calibration->model_id.hex(), "ab");
  EXPECT_EQ(calibration->impostor_pair_count, 1000);
  ASSERT_EQ(calibration->points.size(), 2U);
  EXPECT_EQ(calibration->points[1].false_match_rate, 0.001);
  EXPECT_EQ(calibration->points[1].match_threshold, 0.3F);
  EXPECT_EQ(calibration->tail_slope, -30);
  EXPECT_EQ(calibration->ambiguity_margin, 0.125F);
  const auto again = calibration_from_json(to_json(*calibration));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->points[0].match_threshold, 0.2F);
  EXPECT_EQ(again->tail_curvature, -2);
}

TEST(CalibrationJson, ATableThatDoesNotFallInRateAndRiseInSimilarityIsRefused) {
  for (const auto& text :
       {calibration_text("[]"), calibration_text("[1]"),
        calibration_text(R"([{"false_match_rate":0.01,"match_threshold":0.2},)"
                         R"({"false_match_rate":0.02,"match_threshold":0.3}])"),
        calibration_text(R"([{"false_match_rate":0.01,"match_threshold":0.3},)"
                         R"({"false_match_rate":0.001,"match_threshold":0.3}])"),
        calibration_text(R"([{"false_match_rate":0.01,"match_threshold":1.5}])"),
        calibration_text(R"([{"false_match_rate":0,"match_threshold":0.5}])"),
        calibration_text(kTwoPoints, "[1,2]"), calibration_text(kTwoPoints, R"([1,2,"x"])"),
        calibration_text(kTwoPoints, "[1,2,3]", "-0.1"),
        calibration_text(kTwoPoints, "[1,2,3]", "3")}) {
    const auto calibration = calibration_from_json(text);
    ASSERT_FALSE(calibration) << json::to_text(text);
    EXPECT_EQ(calibration.error().reason, "calibration_malformed");
  }
  const auto missing = calibration_from_json({{"model_id", "ab"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "json_field_missing");
}

}  // namespace
}  // namespace faceforge::face
