#include "evaluate/labelled_photos.h"

#include <cmath>
#include <fstream>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"
#include "evaluate/failed_comparison.h"
#include "gallery/npy.h"
#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

class LabelledEmbeddings : public testing::Test {
 protected:
  void write(const gallery::FloatTable& table, std::string_view rows) const {
    const auto bytes = gallery::write_npy(table);
    std::ofstream(file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    std::ofstream(file().string() + ".json")
        << R"({"model_id":"ab","pack":"p","metric":"cosine","embedding_length":2,"rows":)" << rows
        << "}";
  }

  void expect_refused(const gallery::FloatTable& table, std::string_view rows,
                      std::string_view reason) const {
    write(table, rows);
    const auto read = read_labelled_embeddings(file());
    ASSERT_FALSE(read.has_value()) << rows;
    EXPECT_EQ(read.error().reason, reason) << read.error().message;
  }

  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "people.npy"; }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(LabelledEmbeddings, APersonIsTheFolderAndTheLargestFaceCounts) {
  write({.row_count = 3, .column_count = 2, .values = {1, 0, 0.5F, 0.5F, 0, 1}},
        R"([{"image":"/x/Ann/1.jpg"},{"image":"/x/Ann/1.jpg"},{"image":"Bob/2.jpg"}])");
  const LabelledPhotos photos = read_labelled_embeddings(file()).value();
  EXPECT_EQ(photos.people, (std::vector<std::string>{"Ann", "Bob"}));
  ASSERT_EQ(photos.photos.size(), 2);
  EXPECT_EQ(photos.photos[0].name, "Ann/1.jpg");
  EXPECT_EQ(photos.photos[0].embedding->values, (std::vector<float>{1, 0}));
  EXPECT_EQ(photos.photos[1].person_index, 1);
  EXPECT_EQ(photos.photos[1].embedding->model_id.hex(), "ab");
  EXPECT_EQ(photos.failure_count(), 0);
}

TEST_F(LabelledEmbeddings, WhatDoesNotFitIsRefused) {
  const gallery::FloatTable one{.row_count = 1, .column_count = 2, .values = {1, 0}};
  expect_refused(one, "[]", "embedding_rows_malformed");
  expect_refused(one, "[1]", "embedding_rows_malformed");
  expect_refused(one, "[{}]", "embedding_rows_malformed");
  expect_refused(one, R"([{"image":"1.jpg"}])", "embedding_rows_malformed");
  expect_refused(one, R"({"image":"Ann/1.jpg"})", "json_field_type");
  expect_refused({.row_count = 1, .column_count = 2, .values = {1, NAN}},
                 R"([{"image":"Ann/1.jpg"}])", "embedding_not_finite");
  std::ofstream(file()) << "no matrix";
  EXPECT_EQ(read_labelled_embeddings(file()).error().reason, "not_npy");
  std::filesystem::remove(file());
  EXPECT_EQ(read_labelled_embeddings(file()).error().code, ErrorCode::NotFound);
}

TEST(ForEachRow, EveryPhotoWithAnEmbeddingIsComparedWithAll) {
  LabelledPhotos photos = photos_of_people({{{1, 0}, {0, 0}}, {{0.6F, 0.8F}}});
  EXPECT_EQ(photos.failure_count(), 1);
  std::mutex mutex;
  std::map<size_t, std::vector<float>> rows;
  const auto visit = [&](size_t photo, std::span<const float> similarities) {
    const std::scoped_lock lock(mutex);
    rows[photo].assign(similarities.begin(), similarities.end());
  };
  ASSERT_TRUE(for_each_row(photos, visit, {}).has_value());
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0][1], kFailedComparison);
  EXPECT_FLOAT_EQ(rows[0][2], 0.6F);
  EXPECT_FLOAT_EQ(rows[2][0], 0.6F);
}

}  // namespace
}  // namespace faceforge::evaluate
