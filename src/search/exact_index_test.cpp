#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "search/index.h"
#include "search/internal/row_store.h"
#include "search/internal/scan.h"
#include "support/address_room.h"

namespace faceforge::search {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<float> random_vector(size_t length, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(length);
  for (float& value : values) value = normal(random);
  EXPECT_TRUE(face::normalize(values));
  return values;
}

/// A photo of the person whose mean is `person`: two of one person have a cosine near 0.6.
std::vector<float> photo_of(const std::vector<float>& person, std::mt19937& random) {
  std::vector<float> photo = random_vector(person.size(), random);
  for (size_t index = 0; index < photo.size(); ++index) {
    photo[index] = std::sqrt(0.6F) * person[index] + std::sqrt(0.4F) * photo[index];
  }
  EXPECT_TRUE(face::normalize(photo));
  return photo;
}

using Rows = std::vector<std::vector<float>>;

/// What an index must answer, by comparing and sorting everything in double precision.
std::vector<Neighbour> by_sorting(const Rows& rows, std::span<const float> query, size_t count,
                                  face::Metric metric) {
  std::vector<Neighbour> all;
  for (const auto& row : rows) {
    all.push_back({static_cast<uint32_t>(all.size()), face::similarity(row, query, metric)});
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &Neighbour::similarity);
  all.resize(std::min(count, all.size()));
  return all;
}

void add_all(Index& index, const Rows& rows) {
  for (size_t row = 0; row < rows.size(); ++row) EXPECT_EQ(index.add(rows[row]), row);
}

TEST(ExactIndex, AnswersWhatComparingAndSortingEverythingAnswers) {
  std::mt19937 random(1);
  // Lengths on both sides of the 64 codes of a step.
  for (const size_t length : {1U, 15U, 63U, 64U, 65U, 128U, 512U}) {
    for (const size_t row_count : {1U, 3U, 4U, 127U, 128U, 300U}) {
      for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
        ExactIndex index(length, metric);
        Rows rows;
        for (size_t row = 0; row < row_count; ++row) rows.push_back(random_vector(length, random));
        add_all(index, rows);
        const auto query = random_vector(length, random);
        EXPECT_EQ(index.nearest(query, 7), by_sorting(rows, query, 7, metric))
            << length << " floats, " << row_count << " rows, " << to_string(metric);
      }
    }
  }
}

TEST(ExactIndex, FindsPeopleAmongThousandsInTheVeryOrderOfSinglePrecision) {
  std::mt19937 random(2);
  internal::RowStore store(512, face::Metric::Cosine, 20'000);
  Rows rows;
  std::vector<float> person;
  for (size_t row = 0; row < 20'000; ++row) {
    if (row % 10 == 0) person = random_vector(512, random);
    rows.push_back(photo_of(person, random));
    ASSERT_TRUE(store.add(rows.back()));
  }
  for (size_t query = 0; query < 20; ++query) {
    const auto photo = photo_of(rows[query * 977], random);
    const auto expected = by_sorting(rows, photo, 25, face::Metric::Cosine);
    for (const size_t thread_count : {1U, 3U}) {
      EXPECT_EQ(internal::scan(store, photo, 25, thread_count).front(), expected);
    }
  }
}

TEST(ExactIndex, EveryRowIsFoundOnceHoweverBlocksAndThreadsShareThem) {
  std::mt19937 random(9);
  // Around the blocks of a lone query, 32 rows, and of several, 128; more threads than blocks.
  for (const size_t row_count : {1U, 31U, 32U, 33U, 127U, 128U, 129U, 300U}) {
    internal::RowStore store(64, face::Metric::Cosine, row_count);
    Rows rows;
    for (size_t row = 0; row < row_count; ++row) {
      rows.push_back(random_vector(64, random));
      ASSERT_TRUE(store.add(rows.back()));
    }
    const auto query = random_vector(64, random);
    std::vector<float> five_times;
    for (int copy = 0; copy < 5; ++copy) {
      five_times.insert(five_times.end(), query.begin(), query.end());
    }
    const auto expected = by_sorting(rows, query, row_count, face::Metric::Cosine);
    for (const size_t thread_count : {1U, 2U, 3U, 16U}) {
      EXPECT_THAT(internal::scan(store, query, row_count, thread_count), ElementsAre(expected));
      EXPECT_THAT(internal::scan(store, five_times, row_count, thread_count), Each(expected));
    }
  }
}

TEST(ExactIndex, TellsRowsApartThatHaveTheSameCodes) {
  // Steps far below one code: only single precision knows their order.
  std::mt19937 random(3);
  for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
    const auto first = random_vector(100, random);
    ExactIndex index(100, metric);
    Rows rows;
    for (size_t row = 0; row < 500; ++row) {
      rows.push_back(first);
      rows.back()[row % 100] += 1e-5F * static_cast<float>(row % 7);
    }
    add_all(index, rows);
    const auto query = random_vector(100, random);
    EXPECT_EQ(index.nearest(query, 40), by_sorting(rows, query, 40, metric));
  }
}

TEST(ExactIndex, OfEqualRowsTheOneAddedFirstComesFirst) {
  ExactIndex index(3, face::Metric::Cosine);
  for (int copy = 0; copy < 200; ++copy) {
    ASSERT_TRUE(index.add(std::vector<float>{0.6F, 0.8F, 0}));
  }
  std::vector<uint32_t> rows;
  const auto found = index.nearest(std::vector<float>{0, 1, 0}, 3);
  ASSERT_TRUE(found);
  for (const Neighbour& neighbour : *found) {
    rows.push_back(neighbour.row);
    EXPECT_FLOAT_EQ(neighbour.similarity, 0.8F);
  }
  EXPECT_THAT(rows, ElementsAre(0, 1, 2));
}

TEST(ExactIndex, L2IsOneMinusHalfTheSquaredDistance) {
  ExactIndex index(2, face::Metric::L2);
  ASSERT_TRUE(index.add(std::vector<float>{0, 0}));
  ASSERT_TRUE(index.add(std::vector<float>{3, 4}));
  const auto found = index.nearest(std::vector<float>{1, 0}, 2);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_FLOAT_EQ((*found)[0].similarity, 0.5F);  // distance 1
  EXPECT_FLOAT_EQ((*found)[1].similarity, -1);    // distance^2 20: clamped
}

TEST(ExactIndex, RowsBeyondTheLowestSimilarityComeInTheOrderTheyWereAdded) {
  std::mt19937 random(4);
  ExactIndex index(16, face::Metric::L2);
  Rows rows;
  for (size_t row = 0; row < 1'000; ++row) {
    rows.push_back(random_vector(16, random));
    for (float& value : rows.back()) value *= row == 900 ? 1.0F : 50.0F;
  }
  add_all(index, rows);
  const auto query = random_vector(16, random);
  EXPECT_EQ(index.nearest(query, 5), by_sorting(rows, query, 5, face::Metric::L2));
}

TEST(ExactIndex, RowsOfZerosAndOfAnyFiniteLengthAreComparedLikeOthers) {
  std::mt19937 random(5);
  for (const face::Metric metric : {face::Metric::Cosine, face::Metric::L2}) {
    ExactIndex index(8, metric);
    Rows rows;
    for (const float length : {0.0F, 1e-44F, 1e-30F, 1e-6F, 1.0F, 1e6F, 1e18F, 1e30F, 3e38F}) {
      for (size_t row = 0; row < 30; ++row) {
        rows.push_back(random_vector(8, random));
        for (float& value : rows.back()) value *= length;
      }
    }
    add_all(index, rows);
    for (const float length : {0.0F, 1e-44F, 1e-6F, 1.0F, 1e18F, 1e30F, 3e38F}) {
      auto query = random_vector(8, random);
      for (float& value : query) value *= length;
      EXPECT_EQ(index.nearest(query, 20), by_sorting(rows, query, 20, metric))
          << length << " " << to_string(metric);
      query = rows[215];
      EXPECT_EQ(index.nearest(query, 20), by_sorting(rows, query, 20, metric)) << to_string(metric);
    }
  }
}

TEST(ExactIndex, ABatchAnswersLikeItsQueriesOneByOne) {
  std::mt19937 random(6);
  ExactIndex index(40, face::Metric::Cosine);
  for (int row = 0; row < 500; ++row) ASSERT_TRUE(index.add(random_vector(40, random)));
  std::vector<float> queries;
  for (int query = 0; query < 9; ++query) {
    const auto values = random_vector(40, random);
    queries.insert(queries.end(), values.begin(), values.end());
  }
  const auto found = index.nearest_batch(queries, 5);
  ASSERT_EQ(found->size(), 9U);
  for (size_t query = 0; query < 9; ++query) {
    EXPECT_EQ(index.nearest(std::span(queries).subspan(query * 40, 40), 5), (*found)[query]);
  }
  EXPECT_TRUE(index.nearest_batch({}, 5)->empty());
}

TEST(ExactIndex, AnEmptyOneAndACountOfZeroAnswerNothing) {
  ExactIndex index(4, face::Metric::Cosine);
  const std::vector<float> query{1, 0, 0, 0};
  EXPECT_TRUE(index.nearest(query, 3)->empty());
  ASSERT_TRUE(index.add(query));
  EXPECT_TRUE(index.nearest(query, 0)->empty());
  EXPECT_EQ(index.nearest(query, 3)->size(), 1U);
  EXPECT_THAT(std::vector<float>(index.row(0).begin(), index.row(0).end()),
              ElementsAre(1, 0, 0, 0));
}

TEST(ExactIndex, WhatWasRemovedIsNeverFoundAndItsPlaceIsTakenAgain) {
  std::mt19937 random(7);
  ExactIndex index(64, face::Metric::Cosine);
  Rows rows;
  for (size_t row = 0; row < 50; ++row) rows.push_back(random_vector(64, random));
  add_all(index, rows);
  EXPECT_TRUE(index.remove(20));
  EXPECT_TRUE(index.remove(7));
  EXPECT_EQ(index.row_count(), 48U);
  const auto found = index.nearest(rows[7], 50);
  ASSERT_EQ(found->size(), 48U);
  for (const Neighbour& neighbour : *found) {
    EXPECT_NE(neighbour.row, 7U);
    EXPECT_NE(neighbour.row, 20U);
  }
  EXPECT_EQ(index.add(rows[20]), 7U);  // the lowest free
  EXPECT_EQ(index.nearest(rows[20], 1)->front().row, 7U);
  EXPECT_EQ(index.remove(20).error().reason, "row_not_found");
  EXPECT_EQ(index.remove(50).error().reason, "row_not_found");
}

TEST(ExactIndex, ARemovedRowIsOverwritten) {
  std::mt19937 random(8);
  internal::RowStore store(10, face::Metric::L2, 3);
  for (int row = 0; row < 3; ++row) ASSERT_TRUE(store.add(random_vector(10, random)));
  ASSERT_TRUE(store.remove(1));
  EXPECT_THAT(std::vector<float>(store.row(1).begin(), store.row(1).end()), ::testing::Each(0.0F));
  EXPECT_THAT(std::vector<int8_t>(store.codes(1), store.codes(1) + store.stride()),
              ::testing::Each(0));
}

TEST(ExactIndex, ValuesThatAreNoNumbersAreRefused) {
  ExactIndex index(2, face::Metric::Cosine);
  ASSERT_TRUE(index.add(std::vector<float>{1, 0}));
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> values{0, wrong};
    EXPECT_EQ(index.add(values).error().reason, "embedding_not_finite");
    EXPECT_EQ(index.nearest(values, 1).error().reason, "embedding_not_finite");
  }
  EXPECT_EQ(index.row_count(), 1U);
}

TEST(ExactIndex, MoreRowsThanItsLimitAreRefused) {
  ExactIndex index(2, face::Metric::Cosine, {.row_limit = 2});
  const std::vector<float> values{1, 0};
  ASSERT_TRUE(index.add(values));
  ASSERT_TRUE(index.add(values));
  EXPECT_EQ(index.add(values).error().reason, "index_full");
  ASSERT_TRUE(index.remove(0));
  EXPECT_EQ(index.add(values), 0U);
}

/// Whether a search in a process with that much room ends in its answer (0) or in being told that
/// memory is out (1); 2 for anything else.
int exit_code_with_room(size_t room_bytes, const ExactIndex& index,
                        std::span<const float> queries) {
  const pid_t child = ::fork();
  if (child == 0) {
    test::leave_room(room_bytes);
    const auto found = index.nearest_batch(queries, Index::kMaxNeighbours);
    const bool is_told = !found && found.error().code == ErrorCode::Exhausted &&
                         found.error().reason == "out_of_memory";
    ::_exit(found ? 0 : is_told ? 1 : 2);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

TEST(ExactIndex, ASearchWithoutTheMemoryForItIsOutOfMemoryAndNoCrash) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator takes its addresses beforehand";
#endif
  ExactIndex index(1, face::Metric::Cosine);
  ASSERT_TRUE(index.add(std::vector<float>{1}));
  // Each query reserves the bounds of its neighbours: 400 MB in all, above what other tests may
  // have left free.
  const std::vector<float> queries(10'000, 1.0F);
  EXPECT_EQ(exit_code_with_room(0, index, queries), 1);
  EXPECT_EQ(exit_code_with_room(size_t{100} << 20, index, queries), 1);
  EXPECT_EQ(exit_code_with_room(size_t{1} << 30, index, queries), 0);
}

TEST(ExactIndexDeath, AQueryOfAnotherLengthIsABug) {
  ExactIndex index(4, face::Metric::Cosine);
  EXPECT_DEATH((void)index.nearest(std::vector<float>(3), 1), "length");
  EXPECT_DEATH((void)index.add(std::vector<float>(5)), "length");
  EXPECT_DEATH((void)index.nearest(std::vector<float>(4), Index::kMaxNeighbours + 1), "count");
  EXPECT_DEATH((void)index.row(0), "is_present");
}

}  // namespace
}  // namespace faceforge::search
