#include "search/approximate_index.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace faceforge::search {
namespace {

constexpr size_t kLength = 48;
constexpr size_t kRows = 4'000;  // more than are compared one by one
constexpr size_t kPhotosPerPerson = 10;

/// Photos of people, as the benchmark's: two of one person have a cosine near 0.6.
class ApproximateIndexTest : public ::testing::TestWithParam<face::Metric> {
 protected:
  ApproximateIndexTest() {
    std::vector<float> person;
    for (size_t row = 0; row < kRows; ++row) {
      if (row % kPhotosPerPerson == 0) person = direction();
      const auto photo = photo_of(person);
      rows_.insert(rows_.end(), photo.begin(), photo.end());
    }
    folder_ =
        std::filesystem::temp_directory_path() / ("faceforge_search_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    file_ = folder_ / "people.search";
  }
  ~ApproximateIndexTest() override { std::filesystem::remove_all(folder_); }

  std::vector<float> direction() {
    std::normal_distribution<float> normal;
    std::vector<float> values(kLength);
    for (float& value : values) value = normal(random_);
    EXPECT_TRUE(face::normalize(values));
    return values;
  }

  std::vector<float> photo_of(std::span<const float> person) {
    std::vector<float> photo = direction();
    for (size_t index = 0; index < kLength; ++index) {
      photo[index] = std::sqrt(0.6F) * person[index] + std::sqrt(0.4F) * photo[index];
    }
    EXPECT_TRUE(face::normalize(photo));
    return photo;
  }

  [[nodiscard]] std::span<const float> row(size_t number) const {
    return std::span(rows_).subspan(number * kLength, kLength);
  }

  /// The share of what an exact search finds that `index` finds too.
  double recall(const Index& index, const Index& exact) {
    size_t found = 0;
    size_t wanted = 0;
    for (size_t query = 0; query < 100; ++query) {
      const auto photo = photo_of(row(query * 37));
      const auto near = index.nearest(photo, 10);
      const auto nearest = exact.nearest(photo, 10);
      for (const Neighbour& neighbour : *nearest) {
        found += std::ranges::count(*near, neighbour) > 0 ? 1 : 0;
      }
      wanted += nearest->size();
    }
    return static_cast<double>(found) / static_cast<double>(wanted);
  }

  [[nodiscard]] std::vector<std::byte> file_bytes() const {
    return *read_file(file_, size_t{1} << 30);
  }
  void write_file(std::span<const std::byte> bytes) const {
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] bool file_holds(std::span<const float> values) const {
    const auto bytes = file_bytes();
    return !std::ranges::search(bytes, std::as_bytes(values)).empty();
  }

  std::mt19937 random_{1};
  std::vector<float> rows_;
  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST_P(ApproximateIndexTest, FindsNinetyNineInAHundredOfWhatAnExactSearchFinds) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 2});
  ExactIndex exact(kLength, GetParam());
  ASSERT_TRUE(index.add_batch(rows_));
  for (size_t number = 0; number < kRows; ++number) ASSERT_TRUE(exact.add(row(number)));
  EXPECT_GE(recall(index, exact), 0.99);
  // Every tenth row goes, and as many others take their places.
  for (uint32_t number = 0; number < kRows; number += 10) {
    ASSERT_TRUE(index.remove(number));
    ASSERT_TRUE(exact.remove(number));
  }
  EXPECT_EQ(index.row_count(), kRows * 9 / 10);
  EXPECT_GE(recall(index, exact), 0.99);
  for (uint32_t number = 0; number < kRows; number += 10) {
    const auto photo = photo_of(row(number + 1));
    EXPECT_EQ(index.add(photo), number);
    EXPECT_EQ(exact.add(photo), number);
  }
  EXPECT_GE(recall(index, exact), 0.99);
}

INSTANTIATE_TEST_SUITE_P(Metrics, ApproximateIndexTest,
                         ::testing::Values(face::Metric::Cosine, face::Metric::L2),
                         [](const auto& metric) {
                           return metric.param == face::Metric::L2 ? "L2" : "Cosine";
                         });

using ApproximateIndexFile = ApproximateIndexTest;

TEST_P(ApproximateIndexFile, AnswersAsBeforeWhenItIsMappedAndTakesMoreRows) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 1});
  ASSERT_TRUE(index.add_batch(rows_));
  const auto query = photo_of(row(123));
  const auto before = *index.nearest(query, 10);
  ASSERT_TRUE(index.save(file_));
  EXPECT_EQ(index.nearest(query, 10), before);
  auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->row_count(), kRows);
  EXPECT_EQ((*opened)->metric(), GetParam());
  EXPECT_LT((*opened)->memory_bytes(), kRows * kLength);  // mapped, not read
  EXPECT_EQ((*opened)->nearest(query, 10), before);
  EXPECT_EQ((*opened)->add(query), kRows);
  EXPECT_EQ((*opened)->nearest(query, 1)->front().row, kRows);
  ASSERT_TRUE((*opened)->save(file_));
  const auto again = ApproximateIndex::open(file_);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->nearest(query, 1)->front().row, kRows);
}

TEST_P(ApproximateIndexFile, WhatIsRemovedIsInNoFileAnyMore) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 2});
  ASSERT_TRUE(index.add_batch(rows_));
  ASSERT_TRUE(index.remove(5));
  ASSERT_TRUE(index.save(file_));
  EXPECT_FALSE(file_holds(row(5)));
  EXPECT_TRUE(file_holds(row(6)));
  EXPECT_TRUE(file_holds(row(7)));
  ASSERT_TRUE(index.remove(6));  // after saving
  EXPECT_FALSE(file_holds(row(6)));
  auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->row_count(), kRows - 2);
  EXPECT_TRUE((*opened)->add(row(9)));  // from here on the rows are in memory, too
  ASSERT_TRUE((*opened)->remove(7));
  EXPECT_FALSE(file_holds(row(7)));
  EXPECT_EQ((*opened)->remove(7).error().reason, "row_not_found");
}

TEST_P(ApproximateIndexFile, ADamagedFileIsRefused) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 2});
  ASSERT_TRUE(index.add_batch(rows_));
  ASSERT_TRUE(index.save(file_));
  const auto whole = file_bytes();
  for (const size_t kept : {size_t{0}, size_t{100}, size_t{5'000}, whole.size() - 1}) {
    write_file(std::span(whole).first(kept));
    EXPECT_EQ(ApproximateIndex::open(file_).error().reason, "search_file_damaged") << kept;
  }
  // In the name, the sizes and the links.
  for (const size_t place : {size_t{0}, size_t{16}, size_t{32}, whole.size() - 1'000}) {
    auto changed = whole;
    changed[place] ^= std::byte{0x40};
    write_file(changed);
    EXPECT_EQ(ApproximateIndex::open(file_).error().reason, "search_file_damaged") << place;
  }
  auto newer = whole;
  newer[8] = std::byte{9};
  write_file(newer);
  EXPECT_EQ(ApproximateIndex::open(file_).error().reason, "search_file_version");
  std::filesystem::remove(file_);
  EXPECT_EQ(ApproximateIndex::open(file_).error().reason, "file_not_found");
}

INSTANTIATE_TEST_SUITE_P(Files, ApproximateIndexFile, ::testing::Values(face::Metric::L2));

TEST(ApproximateIndex, FewRowsAreFoundAsByAnExactSearch) {
  ApproximateIndex index(3, face::Metric::Cosine);
  ExactIndex exact(3, face::Metric::Cosine);
  EXPECT_TRUE(index.nearest(std::vector<float>{1, 0, 0}, 5)->empty());
  for (const auto& values :
       {std::vector<float>{1, 0, 0}, {0.6F, 0.8F, 0}, {0.6F, 0.8F, 0}, {0, 0, 0}, {0, 0, 1}}) {
    EXPECT_EQ(index.add(values), *exact.add(values));
  }
  const std::vector<float> queries{0, 1, 0, 0, 0, 1};
  EXPECT_EQ(index.nearest_batch(queries, 4), *exact.nearest_batch(queries, 4));
  EXPECT_TRUE(index.nearest_batch(queries, 0)->front().empty());
}

TEST(ApproximateIndex, RefusesWhatAnExactIndexRefuses) {
  ApproximateIndex index(2, face::Metric::Cosine, {.row_limit = 2});
  const std::vector<float> wrong{0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(index.add(wrong).error().reason, "embedding_not_finite");
  EXPECT_EQ(index.nearest(wrong, 1).error().reason, "embedding_not_finite");
  EXPECT_EQ(index.add_batch(std::vector<float>{1, 0, 0, 1, 1, 0}).error().reason, "index_full");
  EXPECT_EQ(index.row_count(), 0U);  // all or none
  EXPECT_TRUE(index.add_batch(std::vector<float>{1, 0, 0, 1}));
  EXPECT_EQ(index.remove(2).error().reason, "row_not_found");
}

TEST_P(ApproximateIndexTest, ManyThreadsSearchAtOnceAndFindTheSame) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 2});
  ASSERT_TRUE(index.add_batch(rows_));
  const auto expected = *index.nearest(row(50), 10);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int search = 0; search < 20; ++search) EXPECT_EQ(index.nearest(row(50), 10), expected);
    });
  }
}

}  // namespace
}  // namespace faceforge::search
