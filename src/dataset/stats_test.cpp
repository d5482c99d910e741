#include "dataset/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/looked_people_test_support.h"
#include "dataset/stats_page.h"

namespace faceforge::dataset {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<size_t> counts_of(const Distribution& distribution) {
  std::vector<size_t> counts;
  for (const Bin& bin : distribution.bins) counts.push_back(bin.count);
  return counts;
}

LookedPeopleDraft some_people() {
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {0}).faces[0].quality = {.face_size_px = 39, .sharpness = 5};
  draft.add("Ada", "2.jpg", {0, 0}).faces[0].quality = {.face_size_px = 40, .sharpness = 500};
  draft.add("Ada", "3.jpg", {0}).faces[0].quality = {.face_size_px = 320, .yaw_deg = -50};
  draft.add("Bob", "1.jpg", {});
  for (int i = 0; i < 12; ++i) draft.add("Cleo", std::to_string(i), {90});
  return draft;
}

TEST(Stats, PeoplePhotosFacesAndPairsAreCounted) {
  const DatasetStats stats = count_dataset(some_people().people());
  EXPECT_EQ(stats.person_count, 3U);
  EXPECT_EQ(stats.photo_count, 16U);
  EXPECT_EQ(stats.faceless_count, 1U);
  EXPECT_EQ(stats.several_faces_count, 1U);
  EXPECT_EQ(stats.pair_count, 3U + 66U);
  EXPECT_EQ(stats.largest.front().name, "Cleo");
  EXPECT_EQ(stats.largest.front().photo_count, 12U);
}

TEST(Stats, EveryPersonAndEveryFaceIsInOneBin) {
  const DatasetStats stats = count_dataset(some_people().people());
  // 1, 2, 3, 4, 5, 6-9, 10-19, 20-49, 50-99, 100 and more
  EXPECT_THAT(counts_of(stats.photos_a_person), ElementsAre(1, 0, 1, 0, 0, 0, 1, 0, 0, 0));
  EXPECT_EQ(stats.photos_a_person.bins[6].label, "10\u201319");
  // below 40, 40-60, .., 224-320, from 320 on
  EXPECT_THAT(counts_of(stats.quality[0]), ElementsAre(1, 1, 0, 12, 0, 0, 0, 1));
  EXPECT_EQ(stats.quality[0].median, 100);
  for (const Distribution& distribution : stats.quality) {
    size_t sum = 0;
    for (const Bin& bin : distribution.bins) sum += bin.count;
    EXPECT_EQ(sum, 15U) << distribution.title;
  }
}

TEST(Stats, AContactSheetShowsTheSharpestFaceOfPeopleWhoAreSpreadOverAll) {
  const auto draft = some_people();
  EXPECT_THAT(contact_sheet_photos(draft.people(), 10), ElementsAre(1, 4));
  LookedPeopleDraft many;
  for (int i = 0; i < 100; ++i) many.add("person " + std::to_string(i), "1.jpg", {0});
  EXPECT_THAT(contact_sheet_photos(many.people(), 4), ElementsAre(0, 25, 50, 75));
}

TEST(Stats, TheContactSheetHasACellAFaceInRowsOfEight) {
  std::vector<SheetFace> faces;
  for (int i = 0; i < 9; ++i) {
    image::Image crop = image::Image::create(kDefaultSide_px, kDefaultSide_px);
    std::ranges::fill(crop.pixels(), static_cast<uint8_t>(10 * i));
    faces.push_back(
        {.person = "Zo\xC3\xAB with a name that is far too long", .crop = std::move(crop)});
  }
  const auto sheet = contact_sheet(faces);
  ASSERT_TRUE(sheet) << sheet.error().message;
  EXPECT_EQ(sheet->width_px(), 8 * 120 + 8);
  EXPECT_EQ(sheet->height_px(), 2 * 136 + 8);
  EXPECT_EQ(sheet->row(8 + 50)[3 * (8 + 3 * 120 + 50)], 30);  // the middle of the fourth
  EXPECT_EQ(sheet->row(8 + 136 + 50)[3 * (8 + 50)], 80);      // of the ninth
}

TEST(Stats, ThePageShowsEverythingAndForeignNamesAsText) {
  const auto draft = some_people();
  const std::string page = stats_page(
      "<faces>", count_dataset(draft.people()),
      {{.name = "A/<b>.jpg", .error = {ErrorCode::Unsupported, "not_an_image", "no"}}}, {});
  EXPECT_THAT(page, HasSubstr("&lt;faces&gt;"));
  EXPECT_THAT(page, HasSubstr("A/&lt;b&gt;.jpg"));
  EXPECT_THAT(page, HasSubstr("<b>16</b><span class=\"quiet\">photos</span>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
}

}  // namespace
}  // namespace faceforge::dataset
