#include "recognition/internal/stable_verdict.h"

#include <random>

#include <gtest/gtest.h>

#include "recognition/internal/face_memory.h"

namespace faceforge::recognition::internal {
namespace {

using gallery::PersonId;
using gallery::Verdict;

const Finding kAda{.verdict = Verdict::Match, .person_id = PersonId(1)};
const Finding kBob{.verdict = Verdict::Match, .person_id = PersonId(2)};
const Finding kUnknown{.verdict = Verdict::Unknown};

void add(StableVerdict& verdict, const Finding& finding, int count) {
  for (int i = 0; i < count; ++i) verdict.add(finding);
}

TEST(StableVerdict, IsGivenOnceSeveralLooksAgree) {
  StableVerdict verdict;
  add(verdict, kAda, StableVerdict::kToDecide - 1);
  EXPECT_FALSE(verdict.shown());
  verdict.add(kUnknown);
  add(verdict, kAda, StableVerdict::kToDecide - 1);
  EXPECT_FALSE(verdict.shown()) << "in a row";
  verdict.add(kAda);
  EXPECT_EQ(verdict.shown(), kAda);
  EXPECT_TRUE(verdict.is_settled());
}

TEST(StableVerdict, StaysThroughAFewContradictionsAndIsCorrectedByMore) {
  StableVerdict verdict;
  add(verdict, kAda, StableVerdict::kToDecide);
  add(verdict, kUnknown, StableVerdict::kToCorrect - 1);
  EXPECT_EQ(verdict.shown(), kAda);
  EXPECT_FALSE(verdict.is_settled());
  verdict.add(kAda);
  add(verdict, kUnknown, StableVerdict::kToCorrect - 1);
  EXPECT_EQ(verdict.shown(), kAda);
  verdict.add(kUnknown);
  EXPECT_EQ(verdict.shown(), kUnknown);
}

TEST(StableVerdict, AnotherNameEndsTheFirstAtOnceAndIsShownLater) {
  StableVerdict verdict;
  add(verdict, kAda, StableVerdict::kToDecide);
  verdict.add(kBob);
  EXPECT_FALSE(verdict.shown());
  add(verdict, kBob, StableVerdict::kToDecide - 1);
  EXPECT_EQ(verdict.shown(), kBob);
}

TEST(StableVerdict, InDoubtShowsNothingAndComesBackWithTheNextLookThatBearsItOut) {
  StableVerdict verdict;
  add(verdict, kAda, StableVerdict::kToDecide);
  verdict.doubt();
  verdict.doubt();
  EXPECT_FALSE(verdict.shown());
  verdict.add(kAda);
  EXPECT_EQ(verdict.shown(), kAda);
  verdict.doubt();
  verdict.add(kBob);
  EXPECT_FALSE(verdict.shown());
  verdict.add(kAda);
  EXPECT_FALSE(verdict.shown()) << "the looks after a doubt did not agree";
}

TEST(StableVerdict, NeverShowsTwoPeopleOneAfterTheOtherWhateverTheFindings) {
  std::mt19937 random(11);
  for (int round = 0; round < 2'000; ++round) {
    StableVerdict verdict;
    std::optional<Finding> before;
    const auto stubborn = random() % 5 + 1;  // how long a finding lasts
    Finding finding = kAda;
    for (int look = 0; look < 60; ++look) {
      if (random() % stubborn == 0) {
        const std::array all{kAda, kBob, kUnknown};
        finding = all[random() % all.size()];
      }
      if (random() % 10 == 0) {
        verdict.doubt();
      } else {
        verdict.add(finding);
      }
      const auto& shown = verdict.shown();
      if (before && shown && before->verdict == Verdict::Match &&
          shown->verdict == Verdict::Match) {
        ASSERT_EQ(*before, *shown) << "round " << round << ", look " << look;
      }
      before = shown;
    }
  }
}

face::Embedding embedding(std::vector<float> values, face::Metric metric = face::Metric::Cosine) {
  if (metric == face::Metric::Cosine) {
    EXPECT_TRUE(face::normalize(values));
  }
  return {face::ModelId("m"), metric, std::move(values)};
}

TEST(FaceMemory, AveragesLooksByTheirWeight) {
  FaceMemory memory;
  EXPECT_EQ(memory.add(embedding({1, 0, 0}), 1, 0.3F), Fit::Same);
  EXPECT_EQ(memory.add(embedding({1, 1, 0}), 3, 0.3F), Fit::Same);
  // (1, 0) + 3 (1, 1) / sqrt 2 = (3.121, 2.121), of length 3.774
  const auto mean = memory.mean().values;
  EXPECT_NEAR(mean[0], 0.827, 1e-3);
  EXPECT_NEAR(mean[1], 0.562, 1e-3);
}

TEST(FaceMemory, IsAsSimilarToSomeoneAsItsLooksAreOnAverage) {
  for (const auto metric : {face::Metric::Cosine, face::Metric::L2}) {
    std::mt19937 random(5);
    std::normal_distribution<float> noise(0, 0.2F);
    FaceMemory memory;
    const face::Embedding someone = embedding({0.6F, 0.8F, 0, 0}, metric);
    float weighted = 0;
    float weights = 0;
    for (int look = 1; look <= 8; ++look) {
      const auto one =
          embedding({0.8F + noise(random), 0.6F + noise(random), noise(random), 0}, metric);
      const auto weight = 0.1F * static_cast<float>(look);
      ASSERT_EQ(memory.add(one, weight, 0.2F), Fit::Same);
      // Not face::similarity, which is clamped for embeddings that are far apart.
      float dot = 0;
      float squared_distance = 0;
      for (size_t i = 0; i < one.values.size(); ++i) {
        dot += one.values[i] * someone.values[i];
        squared_distance +=
            (one.values[i] - someone.values[i]) * (one.values[i] - someone.values[i]);
      }
      weighted += weight * (metric == face::Metric::Cosine ? dot : 1 - squared_distance / 2);
      weights += weight;
    }
    const float to_mean = face::similarity(memory.mean(), someone).value();
    EXPECT_NEAR(memory.similarity_of_looks(to_mean), weighted / weights, 1e-5);
    EXPECT_LT(memory.similarity_of_looks(to_mean), to_mean);
  }
}

TEST(FaceMemory, TwoLooksThatAgreeOnAnotherFaceReplaceTheFirst) {
  FaceMemory memory;
  for (int i = 0; i < 5; ++i) static_cast<void>(memory.add(embedding({1, 0, 0}), 1, 0.5F));
  EXPECT_EQ(memory.add(embedding({0, 1, 0}), 1, 0.5F), Fit::Doubtful);
  EXPECT_NEAR(memory.mean().values[0], 1, 1e-6) << "a doubtful look is not in the mean";
  EXPECT_EQ(memory.add(embedding({0, 0, 1}), 1, 0.5F), Fit::Doubtful) << "a third face";
  EXPECT_EQ(memory.add(embedding({1, 0, 0}), 1, 0.5F), Fit::Same) << "the first one again";
  EXPECT_EQ(memory.add(embedding({0, 1, 0}), 1, 0.5F), Fit::Doubtful);
  EXPECT_EQ(memory.add(embedding({0, 1, 0.1F}), 1, 0.5F), Fit::Another);
  EXPECT_GT(memory.mean().values[1], 0.9);
  EXPECT_EQ(memory.add(embedding({0, 1, 0}), 1, 0.5F), Fit::Same);
}

TEST(FaceMemory, ForgetsOldLooksSlowlySoThatAFaceMayChange) {
  FaceMemory memory;
  for (int i = 0; i < 1'000; ++i) static_cast<void>(memory.add(embedding({1, 0}), 1, 0.5F));
  EXPECT_LT(memory.weight(), 100);
  for (int i = 0; i < 40; ++i) static_cast<void>(memory.add(embedding({1, 1}), 1, 0.5F));
  EXPECT_NEAR(memory.mean().values[1], std::sqrt(0.5F), 0.05);
}

TEST(WeightOf, IsLessForASmallABlurredAndATurnedFaceAndNeverNothing) {
  const face::Quality good{.face_size_px = 200, .sharpness = 300, .brightness = 0.5F};
  EXPECT_EQ(weight_of(good), 1);
  face::Quality small = good;
  small.face_size_px = 40;
  EXPECT_NEAR(weight_of(small), 40.0 / 112, 1e-5);
  face::Quality blurred = good;
  blurred.sharpness = 20;
  EXPECT_NEAR(weight_of(blurred), 0.2, 1e-5);
  face::Quality turned = good;
  turned.yaw_deg = -60;
  EXPECT_NEAR(weight_of(turned), 0.25, 1e-5);
  EXPECT_GT(weight_of({}), 0);
}

}  // namespace
}  // namespace faceforge::recognition::internal
