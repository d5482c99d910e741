#include "dataset/pack.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "crops/crop_file.h"
#include "support/test_data.h"

namespace faceforge::dataset {
namespace {

constexpr int kSide_px = 8;

/// A grey crop whose brightness is the number in the photo's file; other files hold no face.
Result<image::Image> crop_by_content(const std::filesystem::path& photo) {
  const std::string text = TRY(read_text_file(photo, 100));
  if (text.empty()) return fail(ErrorCode::InvalidInput, "no_face_found", "no face");
  image::Image crop = image::Image::create(2 * kSide_px, 2 * kSide_px);
  std::ranges::fill(crop.pixels(), static_cast<uint8_t>(std::stoi(text)));
  return crop;
}

class PackTest : public testing::Test {
 protected:
  void add_photo(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((photos_ / path).parent_path());
    std::ofstream(photos_ / path) << text;
  }

  Result<PackReport> pack_all(const PackOptions& options) {
    const auto people = list_person_folders(photos_, kMaxPhotoCount);
    if (!people) return Unexpected(people.error());
    return pack(*people, crop_by_content, options);
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path photos_ = folder_.path() / "photos";
  const std::filesystem::path output_ = folder_.path() / "out.ffd";
};

TEST_F(PackTest, EveryUsablePhotoBecomesACropOfItsPersonInTheOrderOfNames) {
  add_photo("Bob/b.jpg", "30");
  add_photo("Ada/2.jpg", "20");
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/.hidden.jpg", "99");
  add_photo("Ada/deeper/3.jpg", "99");
  const auto report = pack_all({.output = output_, .side_px = kSide_px});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->photo_count, 3);
  EXPECT_EQ(report->crop_count, 3);
  EXPECT_EQ(report->person_count, 2);
  EXPECT_TRUE(report->skipped.empty());
  const auto crops = crops::CropFile::open(output_);
  ASSERT_TRUE(crops);
  EXPECT_EQ(crops->shape(), (crops::CropShape{.width_px = kSide_px, .height_px = kSide_px}));
  ASSERT_EQ(crops->crop_count(), 3);
  EXPECT_EQ(crops->name(0), "Ada");
  const std::pair<uint32_t, int> expected[] = {{0, 10}, {0, 20}, {1, 30}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(crops->person_index(i), expected[i].first);
    EXPECT_EQ(std::to_integer<int>(crops->pixels(i)[0]), expected[i].second);
  }
}

TEST_F(PackTest, WhatWasSkippedIsNamedWithItsReason) {
  add_photo("Ada/1.jpg", "10");
  add_photo("Ada/2.jpg", "20");
  add_photo("Ada/3.jpg", "");
  add_photo("Bob/1.jpg", "30");
  add_photo(
      "b\xFF"
      "d/1.jpg",
      "40");
  add_photo(
      "b\xFF"
      "d/2.jpg",
      "40");
  const auto report = pack_all({.output = output_, .side_px = kSide_px, .min_photos = 2});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->person_count, 1);
  ASSERT_EQ(report->skipped.size(), 3);
  EXPECT_EQ(report->skipped[0].name, "Ada/3.jpg");
  EXPECT_EQ(report->skipped[0].error.reason, "no_face_found");
  EXPECT_EQ(report->skipped[1].name, "Bob");
  EXPECT_EQ(report->skipped[1].error.reason, "too_few_photos");
  EXPECT_EQ(report->skipped[2].error.reason, "person_name");
}

TEST_F(PackTest, TheNumberOfThreadsDoesNotChangeTheFile) {
  for (int person = 0; person < 5; ++person) {
    for (int photo = 0; photo < 40; ++photo) {
      add_photo("p" + std::to_string(person) + "/" + std::to_string(photo),
                photo % 7 == 0 ? "" : std::to_string(person * 40 + photo));
    }
  }
  ASSERT_TRUE(pack_all({.output = output_, .side_px = kSide_px, .thread_count = 1}));
  const auto one = read_file(output_, size_t{1} << 30);
  ASSERT_TRUE(pack_all({.output = output_, .side_px = kSide_px, .thread_count = 4}));
  EXPECT_EQ(*one, *read_file(output_, size_t{1} << 30));
}

TEST_F(PackTest, ADryRunLooksAtEverythingAndWritesNothing) {
  add_photo("Ada/1.jpg", "10");
  add_photo(
      "b\xFF"
      "d/1.jpg",
      "40");
  const auto report = pack_all({.output = {}, .side_px = kSide_px});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->crop_count, 1);
  EXPECT_EQ(report->person_count, 1);
  ASSERT_EQ(report->skipped.size(), 1);
  EXPECT_EQ(report->skipped[0].error.reason, "person_name");
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(PackTest, AStopLeavesNothingBehind) {
  add_photo("Ada/1.jpg", "10");
  std::stop_source stop;
  stop.request_stop();
  const auto report = pack_all({.output = output_, .side_px = kSide_px, .stop = stop.get_token()});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(PackTest, OnlyThePeopleWhoAreNamedArePacked) {
  for (const char* path : {"Ada/1.jpg", "Bob/1.jpg", "Cleo/1.jpg"}) add_photo(path, "10");
  const auto people = *list_person_folders(photos_, kMaxPhotoCount);
  const auto named = only_named(people, {"Cleo", "Ada"});
  ASSERT_TRUE(named);
  ASSERT_EQ(named->size(), 2);
  EXPECT_EQ(named->front().name, "Ada");
  EXPECT_EQ(named->back().name, "Cleo");
  EXPECT_EQ(only_named(people, {"Ada", "Eve"}).error().reason, "person_list");
}

TEST_F(PackTest, NothingUsableIsAnError) {
  add_photo("Ada/1.jpg", "");
  EXPECT_EQ(pack_all({.output = output_, .side_px = kSide_px}).error().reason, "nothing_to_pack");
  EXPECT_FALSE(std::filesystem::exists(output_));
}

}  // namespace
}  // namespace faceforge::dataset
