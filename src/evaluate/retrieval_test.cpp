#include "evaluate/retrieval.h"

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"
#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {
namespace {

// Person 0 has photos 0, 1, 2. From photo 0 the others come as 3 (0.9), 1 (0.8), 4 (0.7), 2 (0.6):
// own photos at ranks 2 and 4, precisions 1/2 and 2/4; one of the first two is own.
TEST(Retrieve, RanksAreCountedAmongAllOtherPhotos) {
  const std::vector<float> similarities{1, 0.8F, 0.6F, 0.9F, 0.7F};
  const std::vector<uint32_t> person_of{0, 0, 0, 1, 2};
  const Retrieval retrieval = retrieve(similarities, person_of, 0).value();
  EXPECT_EQ(retrieval.first_rank, 2);
  EXPECT_DOUBLE_EQ(retrieval.r_precision, 0.5);
  EXPECT_DOUBLE_EQ(retrieval.precision_at_5, 0.5);
  EXPECT_DOUBLE_EQ(retrieval.average_precision, 0.5);
  EXPECT_FALSE(retrieve(similarities, person_of, 3).has_value());
}

// scikit-learn 1.2.1: average_precision_score of every point against the others; the other figures
// by NumPy from the same order.
TEST(Retrieve, TheMeansAreThoseOfScikitLearn) {
  const LabelledPhotos photos = golden_points();
  std::vector<std::optional<Retrieval>> all;
  for (size_t photo = 0; photo < photos.photos.size(); ++photo) {
    all.push_back(retrieve(row_of(photos, photo), person_indices(photos), photo));
  }
  EXPECT_NEAR(all[0]->average_precision, 0.30634920634920637, 1e-12);
  EXPECT_FALSE(all[11].has_value());
  const RetrievalMetrics metrics = summarize(all);
  EXPECT_NEAR(metrics.mean_average_precision, 0.46350190213826586, 1e-12);
  EXPECT_NEAR(metrics.r_precision, 0.303030303030303, 1e-12);
  EXPECT_NEAR(metrics.precision_at_5, 0.303030303030303, 1e-12);
  EXPECT_EQ(metrics.misses_at_rank_1.error_count, 8);
  EXPECT_EQ(metrics.misses_at_rank_1.trial_count, 11);
  EXPECT_EQ(metrics.misses_at_rank_5.error_count, 0);
}

TEST(Retrieve, APhotoWithoutAnEmbeddingFindsNobodyAndIsNeverFound) {
  const std::vector<float> similarities{1, kFailedComparison, 0.3F, kFailedComparison};
  const Retrieval retrieval = retrieve(similarities, std::vector<uint32_t>{0, 0, 1, 1}, 0).value();
  EXPECT_EQ(retrieval.first_rank, 0);
  EXPECT_EQ(retrieval.average_precision, 0);
  const auto metrics = summarize(std::vector{std::optional(retrieval), std::optional(Retrieval{})});
  EXPECT_EQ(metrics.misses_at_rank_20.error_count, 2);
}

TEST(Retrieve, OfEqualsTheOtherPeoplesComeFirst) {
  const std::vector<float> similarities{1, 0.5F, 0.5F, 0.5F};
  EXPECT_EQ(retrieve(similarities, std::vector<uint32_t>{0, 0, 1, 2}, 0)->first_rank, 3);
}

}  // namespace
}  // namespace faceforge::evaluate
