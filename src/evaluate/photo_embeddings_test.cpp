#include "evaluate/photo_embeddings.h"

#include <atomic>
#include <new>

#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

std::vector<std::filesystem::path> numbered_files(int count) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < count; ++i) files.emplace_back(std::to_string(i));
  return files;
}

/// An embedding whose one value is the number that the file is named by.
Result<PhotoEmbedding> embed_number(const std::filesystem::path& file) {
  const float number = std::stof(file.string());
  if (number == 13) return fail(ErrorCode::InvalidInput, "unlucky", "13");
  return PhotoEmbedding{face::Embedding{face::ModelId("ab"), face::Metric::Cosine, {number}}};
}

TEST(EmbedPhotos, ResultsKeepTheOrderOfFilesOnAnyNumberOfThreads) {
  for (const size_t thread_count : {1, 2, 7, 300}) {
    const auto results = embed_photos(numbered_files(200), embed_number, thread_count, {}).value();
    ASSERT_EQ(results.size(), 200);
    for (size_t i = 0; i < results.size(); ++i) {
      if (i == 13) continue;
      EXPECT_EQ(results[i].value().embedding.value().values.front(), static_cast<float>(i));
    }
    EXPECT_EQ(results[13].error().reason, "unlucky");
  }
}

TEST(EmbedPhotos, APhotoThatNeedsTooMuchMemoryFailsAlone) {
  const auto embed = [](const std::filesystem::path& file) {
    if (file == "3") throw std::bad_alloc();
    return embed_number(file);
  };
  const auto results = embed_photos(numbered_files(8), embed, 2, {}).value();
  EXPECT_EQ(results[3].error().code, ErrorCode::Exhausted);
  EXPECT_TRUE(results[4].has_value());
}

TEST(EmbedPhotos, EveryStepIsReportedOnceAndInOrder) {
  std::vector<size_t> reported;
  const Supervision supervision{.report =
                                    [&](size_t done_count, size_t total_count) {
                                      EXPECT_EQ(total_count, 50);
                                      reported.push_back(done_count);
                                    },
                                .stop = {}};
  ASSERT_TRUE(embed_photos(numbered_files(50), embed_number, 4, supervision).has_value());
  ASSERT_EQ(reported.size(), 50);
  for (size_t i = 0; i < reported.size(); ++i) EXPECT_EQ(reported[i], i + 1);
}

TEST(EmbedPhotos, AStopEndsTheWorkBetweenTwoPhotos) {
  std::stop_source source;
  std::atomic<int> begun = 0;
  const auto embed = [&](const std::filesystem::path& file) {
    if (++begun == 5) source.request_stop();
    return embed_number(file);
  };
  const auto results = embed_photos(numbered_files(1000), embed, 2, {{}, source.get_token()});
  ASSERT_FALSE(results.has_value());
  EXPECT_EQ(results.error().code, ErrorCode::Cancelled);
  EXPECT_LE(begun, 6);
}

TEST(EmbedPhotos, NoFilesAreNoWork) {
  EXPECT_TRUE(embed_photos({}, embed_number, 3, {}).value().empty());
}

}  // namespace
}  // namespace faceforge::evaluate
