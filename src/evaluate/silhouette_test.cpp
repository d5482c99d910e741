#include "evaluate/silhouette.h"

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"
#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {
namespace {

// scikit-learn 1.2.1: silhouette_samples(X, labels, metric="cosine").
TEST(Silhouette, IsThatOfScikitLearn) {
  const LabelledPhotos photos = golden_points();
  const auto of = [&](size_t photo) {
    return silhouette(row_of(photos, photo), person_indices(photos), 4, photo);
  };
  EXPECT_NEAR(of(0).value(), -0.8269071898440129, 1e-6);  // float similarities
  EXPECT_NEAR(of(5).value(), -0.11900351720874532, 1e-6);
  double mean = 0;
  for (size_t photo = 0; photo < 11; ++photo) mean += of(photo).value() / 11;
  EXPECT_NEAR(mean, -0.17191983650118703, 1e-6);
  EXPECT_FALSE(of(11).has_value());  // a person of one photo
}

// a = 1 - 0.5 from the one other photo that has an embedding, b = 1 - 0: (1 - 0.5) / 1.
TEST(Silhouette, PhotosWithoutAnEmbeddingDoNotCount) {
  const std::vector<float> similarities{1, 0.5F, kFailedComparison, 0, kFailedComparison};
  const std::vector<uint32_t> person_of{0, 0, 0, 1, 2};
  EXPECT_DOUBLE_EQ(silhouette(similarities, person_of, 3, 0).value(), 0.5);
  const std::vector<float> alone{1, 0.5F, kFailedComparison, kFailedComparison, kFailedComparison};
  EXPECT_FALSE(silhouette(alone, person_of, 3, 0).has_value());
}

}  // namespace
}  // namespace faceforge::evaluate
