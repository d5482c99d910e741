#include "dataset/align.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "image/encode.h"
#include "support/test_data.h"

namespace faceforge::dataset {
namespace {

using testing::ElementsAre;

/// A grey crop whose brightness is the number in the photo's file; other files hold no face.
Result<image::Image> crop_by_content(const std::filesystem::path& photo) {
  const std::string text = TRY(read_text_file(photo, 100));
  if (text.empty()) return fail(ErrorCode::InvalidInput, "no_face_found", "no face");
  image::Image crop = image::Image::create(16, 16);
  std::ranges::fill(crop.pixels(), static_cast<uint8_t>(std::stoi(text)));
  return crop;
}

class AlignTest : public testing::Test {
 protected:
  void add_photo(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((photos_ / path).parent_path());
    std::ofstream(photos_ / path) << text;
  }

  Result<AlignReport> align(AlignOptions options) {
    options.output = output_;
    options.side_px = 8;
    return align_people(photos_, crop_by_content, options);
  }

  std::vector<std::string> crops() {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(output_)) {
      if (entry.path().extension() == ".png") {
        paths.push_back(entry.path().lexically_relative(output_));
      }
    }
    std::ranges::sort(paths);
    return paths;
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path photos_ = folder_.path() / "photos";
  const std::filesystem::path output_ = folder_.path() / "crops";
};

TEST_F(AlignTest, EveryPhotoBecomesAPngOfTheSizeThatIsAskedFor) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Bob/2.JPG", "200");
  add_photo("Bob/notes.txt", "30");
  const auto report = align({.thread_count = 2});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->photo_count, 2U);
  EXPECT_EQ(report->aligned_count, 2U);
  EXPECT_THAT(crops(), ElementsAre("Ada/1.png", "Bob/2.png"));
  const auto bytes = read_file(output_ / "Bob/2.png", 10'000);
  const auto crop = image::decode(*bytes, {});
  ASSERT_TRUE(crop);
  EXPECT_EQ(crop->image.width_px(), 8);
  EXPECT_EQ(crop->image.height_px(), 8);
  EXPECT_TRUE(
      std::ranges::all_of(crop->image.pixels(), [](uint8_t value) { return value == 200; }));
}

TEST_F(AlignTest, WhatWasSkippedIsNamedWithItsReason) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/2.jpg", "");
  add_photo("Ada/3.jpg", "no number");  // what crop_by_content throws is an error of this photo
  const auto report = align({});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->skipped.size(), 2U);
  EXPECT_EQ(report->skipped[0].name, "Ada/2.jpg");
  EXPECT_EQ(report->skipped[0].error.reason, "no_face_found");
  EXPECT_EQ(report->skipped[1].name, "Ada/3.jpg");
  EXPECT_EQ(report->skipped[1].error.reason, "unexpected_exception");
}

TEST_F(AlignTest, PhotosThatDifferInTheirEndingOnlyHaveCropsOfTheirOwn) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/1.png", "20");
  add_photo("Ada/2.png", "30");
  add_photo("Ada/1.jpg.png", "40");  // whose stem is another photo's name
  ASSERT_TRUE(align({}));
  EXPECT_THAT(crops(),
              ElementsAre("Ada/1.jpg.png", "Ada/1.jpg.png.png", "Ada/1.png.png", "Ada/2.png"));
}

TEST_F(AlignTest, ACallAfterOneThatWasStoppedGoesOnWhereItWas) {
  for (int i = 0; i < 20; ++i) add_photo("Ada/" + std::to_string(i) + ".jpg", "10");
  std::stop_source stop;
  const auto stopped = align({.supervision = {.report =
                                                  [&](size_t done, size_t) {
                                                    if (done == 5) stop.request_stop();
                                                  },
                                              .stop = stop.get_token()}});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(crops().size(), 5U);
  const auto report = align({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kept_count, 5U);
  EXPECT_EQ(report->aligned_count, 15U);
  // A photo that was changed since is aligned again.
  std::filesystem::last_write_time(
      photos_ / "Ada/3.jpg", std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(align({})->aligned_count, 1U);
}

TEST_F(AlignTest, ACropThatNoPhotoStandsBehindGoesAsideAndIsNotDeleted) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/2.jpg", "20");
  add_photo("Bob/3.jpg", "30");
  ASSERT_TRUE(align({}));
  std::filesystem::remove(photos_ / "Ada/1.jpg");  // as `clean --move-to` does
  std::filesystem::remove_all(photos_ / "Bob");
  add_photo("Ada/2.jpg", "");  // no face any more
  const auto dry = align({.dry_run = true});
  ASSERT_TRUE(dry);
  EXPECT_THAT(dry->stale, ElementsAre("Ada/1.png", "Ada/2.png", "Bob/3.png"));
  EXPECT_THAT(crops(), ElementsAre("Ada/1.png", "Ada/2.png", "Bob/3.png"));
  EXPECT_EQ(align({})->stale, dry->stale);
  EXPECT_THAT(crops(), ElementsAre(".faceforge-stale/Ada/1.png", ".faceforge-stale/Ada/2.png",
                                   ".faceforge-stale/Bob/3.png"));
  EXPECT_TRUE(align({})->stale.empty());
}

TEST_F(AlignTest, APhotoThatTookAnothersNameIsAlignedAgain) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/2.jpg", "20");
  ASSERT_TRUE(align({}));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a file's times come in ticks
  std::filesystem::rename(photos_ / "Ada/2.jpg", photos_ / "Ada/1.jpg");
  const auto report = align({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->aligned_count, 1U);
  EXPECT_THAT(report->stale, ElementsAre("Ada/2.png"));
  const auto crop = image::decode(*read_file(output_ / "Ada/1.png", 10'000), {});
  EXPECT_EQ(crop->image.pixels().front(), 20);
}

TEST_F(AlignTest, CropsOfAnotherPackAndOtherFilesAreNotMixedWithTheNew) {
  add_photo("Ada/1.jpg", "10");
  ASSERT_TRUE(align({.aligned_by = "one"}));
  EXPECT_EQ(align({.aligned_by = "other"}).error().reason, "aligned_otherwise");
  std::filesystem::remove_all(output_);
  std::filesystem::create_directories(output_ / "mine");
  EXPECT_EQ(align({}).error().reason, "output_not_empty");
}

TEST_F(AlignTest, CropsAmongThePhotosAreRefused) {
  add_photo("Ada/1.jpg", "10");
  for (const auto& output : {photos_, photos_ / "crops", photos_ / "Ada" / ".." / "x"}) {
    const auto refused = align_people(photos_, crop_by_content, {.output = output});
    EXPECT_EQ(refused.error().reason, "output_among_photos") << output;
  }
}

TEST_F(AlignTest, ADryRunLooksAtEverythingAndWritesNothing) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/2.jpg", "");
  const auto report = align({.dry_run = true});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->aligned_count, 1U);
  EXPECT_EQ(report->skipped.size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(AlignTest, WhereThereAreNoPhotosThatIsSaid) {
  std::filesystem::create_directories(photos_ / "Ada");
  EXPECT_EQ(align({}).error().reason, "no_photos");
}

TEST_F(AlignTest, ACropThatCannotBeWrittenEndsTheWork) {
  add_photo("Ada/1.jpg", "10");
  ASSERT_TRUE(align({}));
  std::filesystem::remove_all(output_ / "Ada");
  std::ofstream(output_ / "Ada") << "a file where a folder is to be";
  const auto report = align({});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "not_a_folder");
}

}  // namespace
}  // namespace faceforge::dataset
