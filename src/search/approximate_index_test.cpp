#include "search/approximate_index.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "search/internal/index_file.h"
#include "support/face_like.h"

namespace faceforge::search {
namespace {

constexpr size_t kLength = 128;
constexpr size_t kRows = 20'000;
constexpr size_t kPhotosPerPerson = 10;
constexpr size_t kPage_bytes = 4'096;

const test::FaceLike kFaces(kLength, 1);

/// Photos of people, one person after the other.
const std::vector<float>& rows() {
  static const std::vector<float> kAll = [] {
    std::vector<float> values;
    for (size_t row = 0; row < kRows; ++row) {
      const auto photo = kFaces.photo(row / kPhotosPerPerson, row % kPhotosPerPerson);
      values.insert(values.end(), photo.begin(), photo.end());
    }
    return values;
  }();
  return kAll;
}

std::span<const float> row(size_t number) {
  return std::span(rows()).subspan(number * kLength, kLength);
}

/// Another photo of the person whom the row shows.
std::vector<float> new_photo(size_t row, uint64_t number = 0) {
  return kFaces.photo(row / kPhotosPerPerson, kPhotosPerPerson + number);
}

/// The share of what an exact search finds that `index` finds too, similarities and all, for new
/// photos of people among the first `row_end` rows.
double recall(const Index& index, const Index& exact, size_t row_end = kRows) {
  size_t found = 0;
  size_t wanted = 0;
  for (size_t query = 0; query < 200; ++query) {
    const auto photo = new_photo(query * 97 % row_end);
    const auto near = index.nearest(photo, 10);
    const auto nearest = exact.nearest(photo, 10);
    for (const Neighbour& neighbour : *nearest) found += std::ranges::count(*near, neighbour);
    wanted += nearest->size();
  }
  return static_cast<double>(found) / static_cast<double>(wanted);
}

class ApproximateIndexTest : public ::testing::TestWithParam<face::Metric> {};

TEST_P(ApproximateIndexTest, FindsNinetyNineInAHundredOfWhatAnExactSearchFinds) {
  ApproximateIndex index(kLength, GetParam(), {.thread_limit = 2});
  ExactIndex exact(kLength, GetParam());
  ASSERT_TRUE(index.add_batch(rows()));
  for (size_t number = 0; number < kRows; ++number) ASSERT_TRUE(exact.add(row(number)));
  EXPECT_GE(recall(index, exact), 0.99);
  // Two hundred rows go, one of a person, and as many others take their places one by one.
  for (uint32_t number = 0; number < kRows; number += 100) {
    ASSERT_TRUE(index.remove(number));
    ASSERT_TRUE(exact.remove(number));
  }
  EXPECT_EQ(index.row_count(), kRows * 99 / 100);
  EXPECT_GE(recall(index, exact), 0.99);
  for (uint32_t number = 0; number < kRows; number += 100) {
    const auto photo = new_photo(number, 1);
    EXPECT_EQ(index.add(photo), number);
    EXPECT_EQ(exact.add(photo), number);
    EXPECT_EQ(index.nearest(photo, 1)->front().row, number);
  }
  EXPECT_GE(recall(index, exact), 0.99);
}

INSTANTIATE_TEST_SUITE_P(Metrics, ApproximateIndexTest,
                         ::testing::Values(face::Metric::Cosine, face::Metric::L2),
                         [](const auto& metric) {
                           return metric.param == face::Metric::L2 ? "L2" : "Cosine";
                         });

TEST(ApproximateIndex, RowsThatReplaceAllOthersAreFound) {
  constexpr size_t kFewer = 5'000;
  ApproximateIndex index(kLength, face::Metric::Cosine, {.thread_limit = 2});
  const auto first = std::span(rows()).first(kFewer * kLength);
  ASSERT_TRUE(index.add_batch(first.first(kLength * 200)));
  for (uint32_t number = 0; number < 200; ++number) ASSERT_TRUE(index.remove(number));
  ASSERT_TRUE(index.add_batch(first));
  size_t found = 0;
  for (uint32_t number = 0; number < kFewer; ++number) {
    found += index.nearest(row(number), 1)->front().row == number ? 1 : 0;
  }
  EXPECT_GE(found, kFewer * 999 / 1000);
}

TEST(ApproximateIndex, RowsAreFoundWhereNoneOrTooFewMayLead) {
  constexpr size_t kFewer = 10'000;
  ExactIndex exact(kLength, face::Metric::Cosine);
  for (size_t number = 0; number < kFewer; ++number) ASSERT_TRUE(exact.add(row(number)));
  for (const size_t limit : {0U, 100U}) {
    ApproximateIndex index(kLength, face::Metric::Cosine,
                           {.thread_limit = 2, .leader_limit = limit});
    ASSERT_TRUE(index.add_batch(std::span(rows()).first(kFewer * kLength)));
    EXPECT_GE(recall(index, exact, kFewer), 0.999) << limit;
  }
}

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

TEST(ApproximateIndex, EqualRowsByTheThousandAreFoundAndEnd) {
  ApproximateIndex index(16, face::Metric::Cosine, {.thread_limit = 2});
  std::vector<float> values(16 * 5'000);
  for (size_t place = 0; place < values.size(); place += 16) values[place] = 1;
  ASSERT_TRUE(index.add_batch(values));
  const auto found = index.nearest(std::span(values).first(16), 10);
  ASSERT_EQ(found->size(), 10U);
  std::set<uint32_t> distinct;
  for (const Neighbour& neighbour : *found) {
    EXPECT_EQ(neighbour.similarity, 1);
    distinct.insert(neighbour.row);
  }
  EXPECT_EQ(distinct.size(), 10U);
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

/// An index of half the rows, saved.
class ApproximateIndexFile : public ::testing::Test {
 protected:
  static constexpr size_t kSaved = 10'000;

  ApproximateIndexFile() {
    folder_ =
        std::filesystem::temp_directory_path() / ("faceforge_search_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    file_ = folder_ / "people.index";
    EXPECT_TRUE(index().save(file_));
  }
  ~ApproximateIndexFile() override { std::filesystem::remove_all(folder_); }

  /// Made once: it takes seconds.
  static const ApproximateIndex& index() {
    static const auto kIndex = [] {
      auto made = std::make_unique<ApproximateIndex>(kLength, face::Metric::L2,
                                                     ApproximateOptions{.thread_limit = 2});
      EXPECT_TRUE(made->add_batch(std::span(rows()).first(kSaved * kLength)));
      EXPECT_TRUE(made->remove(5));
      return made;
    }();
    return *kIndex;
  }

  [[nodiscard]] std::vector<std::byte> bytes() const { return *read_file(file_, size_t{1} << 30); }
  void write(std::span<const std::byte> bytes) const {
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] bool holds(std::span<const float> values) const {
    const auto all = bytes();
    return !std::ranges::search(all, std::as_bytes(values)).empty();
  }
  [[nodiscard]] std::string refusal() const {
    const auto opened = ApproximateIndex::open(file_);
    return opened ? "" : opened.error().reason;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST_F(ApproximateIndexFile, AnswersAsBeforeWhenItIsMappedAndTakesMoreRows) {
  auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->row_count(), kSaved - 1);
  EXPECT_EQ((*opened)->metric(), face::Metric::L2);
  EXPECT_LT((*opened)->memory_bytes(), size_t{1'000});  // mapped, not read
  for (size_t query = 0; query < 50; ++query) {
    const auto photo = new_photo(query * 150);
    EXPECT_EQ((*opened)->nearest(photo, 10), *index().nearest(photo, 10));
  }
  EXPECT_EQ((*opened)->add(row(12'000)), 5U);
  EXPECT_EQ((*opened)->add(row(13'000)), kSaved);
  EXPECT_EQ((*opened)->nearest(row(13'000), 1)->front().row, kSaved);
  ASSERT_TRUE((*opened)->save(file_));  // over the file that it shows
  EXPECT_EQ((*opened)->nearest(row(12'000), 1)->front().row, 5U);
  const auto again = ApproximateIndex::open(file_);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->nearest(row(13'000), 1)->front().row, kSaved);
  EXPECT_TRUE(ApproximateIndex::verify(file_));
}

TEST_F(ApproximateIndexFile, MoreBreadthFindsMoreAndNeverLess) {
  ExactIndex exact(kLength, face::Metric::L2);
  for (size_t number = 0; number < kSaved; ++number) ASSERT_TRUE(exact.add(row(number)));
  ASSERT_TRUE(exact.remove(5));
  double last = 0;
  for (const size_t breadth : {20U, 40U, 80U, 160U, 320U}) {
    const auto opened = ApproximateIndex::open(file_, {.breadth = breadth});
    ASSERT_TRUE(opened);
    const double found = recall(**opened, exact, kSaved);
    EXPECT_GE(found, last) << breadth;
    last = found;
  }
  EXPECT_GE(last, 0.999);
}

TEST_F(ApproximateIndexFile, WhatWasRemovedIsNotSaved) {
  EXPECT_FALSE(holds(row(5)));
  EXPECT_TRUE(holds(row(6)));
  auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->remove(6));
  EXPECT_EQ((*opened)->remove(6).error().reason, "row_not_found");
  EXPECT_TRUE(holds(row(6)));  // the mapping is private
  ASSERT_TRUE((*opened)->save(file_));
  EXPECT_FALSE(holds(row(6)));
}

TEST_F(ApproximateIndexFile, ACutOneOrAnotherKindOfFileIsRefused) {
  const auto whole = bytes();
  for (const size_t kept : {size_t{100}, size_t{5'000}, whole.size() / 2, whole.size() - 1}) {
    write(std::span(whole).first(kept));
    EXPECT_EQ(refusal(), "index_file_damaged") << kept;
  }
  write(std::span(whole).first(0));
  EXPECT_EQ(refusal(), "not_an_index_file");
  auto longer = whole;
  longer.push_back({});
  write(longer);
  EXPECT_EQ(refusal(), "index_file_damaged");
  auto newer = whole;
  newer[8] = std::byte{9};
  write(newer);
  EXPECT_EQ(refusal(), "index_file_version");
  std::filesystem::remove(file_);
  EXPECT_EQ(refusal(), "file_not_found");
  std::filesystem::create_directory(file_);
  EXPECT_EQ(refusal(), "not_a_file");
}

TEST_F(ApproximateIndexFile, AHeaderThatSaysSomethingElseIsRefusedEvenWithItsChecksumRight) {
  const auto whole = bytes();
  const auto with_field = [&whole](size_t place, uint64_t value) {
    constexpr size_t kHeader_bytes = internal::IndexFile::kHeader_bytes;
    auto changed = whole;
    std::memcpy(changed.data() + place, &value, sizeof(value));
    std::ranges::copy(sha256(std::span(changed).first(kHeader_bytes)),
                      changed.data() + kHeader_bytes);
    return changed;
  };
  for (const size_t place : {16U, 24U, 32U, 48U}) {  // length, metric, rows, leaders
    for (const uint64_t value : {uint64_t{0}, uint64_t{7}, uint64_t{1} << 62, ~uint64_t{0}}) {
      write(with_field(place, value));
      EXPECT_EQ(refusal(), "index_file_damaged") << place << " " << value;
    }
  }
  auto without_checksum = whole;
  without_checksum[32] ^= std::byte{1};
  write(without_checksum);
  EXPECT_EQ(refusal(), "index_file_damaged");
}

TEST_F(ApproximateIndexFile, ALinkToNoRowIsRefusedAndAChangedValueFoundByVerifying) {
  const auto whole = bytes();
  auto changed = whole;
  // The links are the last part, before the checksum: 128 bytes a row, filled up to a page.
  const size_t links_bytes = (kSaved * 128 + kPage_bytes - 1) / kPage_bytes * kPage_bytes;
  const auto beyond = static_cast<uint32_t>(kSaved);
  std::memcpy(changed.data() + whole.size() - 32 - links_bytes, &beyond, sizeof(beyond));
  write(changed);
  EXPECT_EQ(refusal(), "index_file_damaged");
  changed = whole;
  changed[kPage_bytes] ^= std::byte{1};
  write(changed);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(ApproximateIndex::verify(file_).error().reason, "index_file_damaged");
}

TEST_F(ApproximateIndexFile, ALeaderThatIsNoRowOrStandsTwiceIsRefused) {
  const auto whole = bytes();
  const size_t leaders = internal::IndexFile::open(file_)->places().leaders;
  const auto with_first_leader = [&](uint32_t row) {
    auto changed = whole;
    std::memcpy(changed.data() + leaders, &row, sizeof(row));
    return changed;
  };
  for (const uint32_t row : {static_cast<uint32_t>(kSaved), UINT32_MAX}) {
    write(with_first_leader(row));
    EXPECT_EQ(refusal(), "index_file_damaged") << row;
  }
  uint32_t second = 0;
  std::memcpy(&second, whole.data() + leaders + sizeof(second), sizeof(second));
  write(with_first_leader(second));
  EXPECT_EQ(refusal(), "index_file_damaged");
  write(whole);
  EXPECT_EQ(refusal(), "");
}

TEST_F(ApproximateIndexFile, AnIndexWhoseRowsWereTakenBackIsSavedAndOpened) {
  ApproximateIndex index(kLength, face::Metric::Cosine, {.row_limit = 2});
  ASSERT_FALSE(index.add_batch(std::span(rows()).first(3 * kLength)));
  ASSERT_TRUE(index.save(file_));
  const auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->row_count(), 0U);
  EXPECT_EQ((*opened)->add(row(3)), 0U);
}

TEST_F(ApproximateIndexFile, AFileWithMoreRowsThanTheLimitIsRefused) {
  EXPECT_EQ(ApproximateIndex::open(file_, {.row_limit = 9'999}).error().reason, "index_full");
}

TEST_F(ApproximateIndexFile, ManyThreadsSearchAtOnceAndFindTheSame) {
  const auto opened = ApproximateIndex::open(file_);
  ASSERT_TRUE(opened);
  const auto expected = index().nearest(row(50), 10);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int search = 0; search < 20; ++search) {
        EXPECT_EQ((*opened)->nearest(row(50), 10), *expected);
      }
    });
  }
}

TEST(ApproximateIndexDeath, AQueryOfAnotherLengthIsABug) {
  ApproximateIndex index(4, face::Metric::Cosine);
  EXPECT_DEATH((void)index.nearest(std::vector<float>(3), 1), "length");
  EXPECT_DEATH((void)index.add(std::vector<float>(5)), "length");
  EXPECT_DEATH((void)index.row(0), "is_present");
  EXPECT_DEATH(ApproximateIndex(4, face::Metric::Cosine, {.leader_cosine = 1.5F}), "cosine");
  EXPECT_DEATH(ApproximateIndex(4, face::Metric::Cosine, {.leader_limit = 250'001}), "limit");
}

}  // namespace
}  // namespace faceforge::search
