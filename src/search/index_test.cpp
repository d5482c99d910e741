#include "search/index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/internal/similarities.h"

namespace faceforge::search {
namespace {

using ::testing::ElementsAre;

std::vector<float> random_vector(size_t length, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(length);
  for (float& value : values) value = normal(random);
  EXPECT_TRUE(face::normalize(values));
  return values;
}

/// What an index must answer, by comparing and sorting everything in double precision.
std::vector<Neighbour> by_sorting(const std::vector<std::vector<float>>& rows,
                                  std::span<const float> query, size_t count, face::Metric metric) {
  std::vector<Neighbour> all;
  for (const auto& row : rows) {
    all.push_back({static_cast<uint32_t>(all.size()), face::similarity(row, query, metric)});
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &Neighbour::similarity);
  all.resize(std::min(count, all.size()));
  return all;
}

TEST(Index, AnswersWhatComparingAndSortingEverythingAnswers) {
  std::mt19937 random(1);
  // Lengths on both sides of the 16 lanes, row counts on both sides of 4 at once and of a block.
  for (const size_t length : {1U, 15U, 16U, 17U, 128U, 512U}) {
    for (const size_t row_count : {1U, 3U, 4U, 127U, 128U, 300U}) {
      for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
        Index index(length, metric);
        std::vector<std::vector<float>> rows;
        for (size_t row = 0; row < row_count; ++row) {
          rows.push_back(random_vector(length, random));
          EXPECT_EQ(index.add(rows.back()), row);
        }
        const auto query = random_vector(length, random);
        EXPECT_EQ(index.nearest(query, 7), by_sorting(rows, query, 7, metric))
            << length << " floats, " << row_count << " rows, " << to_string(metric);
      }
    }
  }
}

TEST(Index, OfEqualRowsTheOneAddedFirstComesFirst) {
  Index index(3, face::Metric::Cosine);
  for (int copy = 0; copy < 200; ++copy) index.add(std::vector<float>{0.6F, 0.8F, 0});
  std::vector<uint32_t> rows;
  for (const Neighbour& neighbour : index.nearest(std::vector<float>{0, 1, 0}, 3)) {
    rows.push_back(neighbour.row);
    EXPECT_FLOAT_EQ(neighbour.similarity, 0.8F);
  }
  EXPECT_THAT(rows, ElementsAre(0, 1, 2));
}

TEST(Index, L2IsOneMinusHalfTheSquaredDistance) {
  Index index(2, face::Metric::L2);
  index.add(std::vector<float>{0, 0});
  index.add(std::vector<float>{3, 4});
  const auto found = index.nearest(std::vector<float>{1, 0}, 2);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FLOAT_EQ(found[0].similarity, 0.5F);  // distance 1
  EXPECT_FLOAT_EQ(found[1].similarity, -1);    // distance^2 20: clamped
}

TEST(Index, ABatchAnswersLikeItsQueriesOneByOne) {
  std::mt19937 random(2);
  Index index(40, face::Metric::Cosine);
  for (int row = 0; row < 500; ++row) index.add(random_vector(40, random));
  std::vector<float> queries;
  for (int query = 0; query < 9; ++query) {
    const auto values = random_vector(40, random);
    queries.insert(queries.end(), values.begin(), values.end());
  }
  const auto found = index.nearest_batch(queries, 5);
  ASSERT_EQ(found.size(), 9U);
  for (size_t query = 0; query < 9; ++query) {
    EXPECT_EQ(found[query], index.nearest(std::span(queries).subspan(query * 40, 40), 5));
  }
  EXPECT_TRUE(index.nearest_batch({}, 5).empty());
}

TEST(Index, AnEmptyOneAndACountOfZeroAnswerNothing) {
  Index index(4, face::Metric::Cosine);
  const std::vector<float> query{1, 0, 0, 0};
  EXPECT_TRUE(index.nearest(query, 3).empty());
  index.add(query);
  EXPECT_TRUE(index.nearest(query, 0).empty());
  EXPECT_EQ(index.nearest(query, 3).size(), 1U);
  EXPECT_THAT(std::vector<float>(index.row(0).begin(), index.row(0).end()),
              ElementsAre(1, 0, 0, 0));
}

TEST(IndexDeath, AQueryOfAnotherLengthIsABug) {
  Index index(4, face::Metric::Cosine);
  EXPECT_DEATH((void)index.nearest(std::vector<float>(3), 1), "embedding_length");
  EXPECT_DEATH((void)index.add(std::vector<float>(5)), "embedding_length");
  EXPECT_DEATH((void)index.nearest(std::vector<float>(4), Index::kMaxNeighbours + 1), "count");
}

TEST(Similarities, StayWithinSinglePrecisionOfTheExactOnes) {
  std::mt19937 random(3);
  constexpr size_t kLength = 512;
  alignas(64) std::array<float, kLength> row{};
  alignas(64) std::array<float, kLength> query{};
  std::ranges::copy(random_vector(kLength, random), row.begin());
  std::ranges::copy(random_vector(kLength, random), query.begin());
  for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
    float similarity = 0;
    internal::similarities(row.data(), 1, kLength, query.data(), metric, &similarity);
    // 32 additions a lane, then 16: each rounds by at most 2^-24 of a partial sum of at most 2.
    EXPECT_NEAR(similarity, face::similarity(row, query, metric), 48 * std::ldexp(2.0, -24));
  }
}

}  // namespace
}  // namespace faceforge::search
