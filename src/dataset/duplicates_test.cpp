#include "dataset/duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/looked_people_test_support.h"
#include "dataset/photo_pages.h"

namespace faceforge::dataset {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Duplicates, TheSameBytesAreCopiesWhateverTheyShow) {
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {}).sha256 = sha256("same");
  draft.add("Ada", "2.jpg", {0}).difference_hash = 0xFF;
  draft.add("Ada", "3.jpg", {}).sha256 = sha256("same");
  const auto groups = find_duplicates(draft.people());
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].kept_index, 0U);
  ASSERT_EQ(groups[0].others.size(), 1U);
  EXPECT_EQ(groups[0].others[0].photo_index, 2U);
  EXPECT_TRUE(groups[0].others[0].is_exact);
  EXPECT_FALSE(groups[0].is_across_people);
}

TEST(Duplicates, ALikeHashIsACopyOnlyWhereTheFacesConfirmIt) {
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {0});
  draft.add("Ada", "copy.jpg", {5}).difference_hash = 0b1111;      // cos 5 = 0.996
  draft.add("Ada", "other_moment.jpg", {40}).difference_hash = 1;  // cos 40 = 0.77
  draft.add("Ada", "faceless.jpg", {}).difference_hash = 1;
  draft.add("Ada", "same_pose.jpg", {1}).difference_hash = 0xFFFF;  // 16 and 12 bits away
  const auto groups = find_duplicates(draft.people());
  ASSERT_EQ(groups.size(), 1U);
  ASSERT_EQ(groups[0].others.size(), 1U);
  EXPECT_EQ(groups[0].others[0].photo_index, 1U);
  EXPECT_EQ(groups[0].others[0].differing_bits, 4);
  EXPECT_NEAR(groups[0].others[0].similarity, 0.9962F, 1e-4);
}

TEST(Duplicates, ThePhotoOfMostPixelsIsKeptAndOfEqualsTheSharper) {
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {0});
  draft.add("Ada", "2.jpg", {0}).width_px = 200;
  draft.add("Ada", "3.jpg", {0}).width_px = 200;
  PhotoFacts& sharp = draft.add("Ada", "4.jpg", {0});
  sharp.width_px = 200;
  sharp.faces.front().quality.sharpness = 900;
  const auto groups = find_duplicates(draft.people());
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].kept_index, 3U);
  EXPECT_EQ(groups[0].others.size(), 3U);
}

TEST(Duplicates, CopiesUnderTwoNamesAreToldAndShownAsText) {
  LookedPeopleDraft draft;
  draft.add("<Ada>", "1.jpg", {0});
  draft.add("Bob", "1.jpg", {1});
  const auto groups = find_duplicates(draft.people());
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_TRUE(groups[0].is_across_people);
  const std::string page = duplicates_page("Copies", draft.people(), groups);
  EXPECT_THAT(page, HasSubstr("&lt;Ada&gt;/1.jpg"));
  EXPECT_THAT(page, Not(HasSubstr("<Ada>")));
  EXPECT_THAT(page, HasSubstr("under more than one name"));
  EXPECT_THAT(page, HasSubstr("no picture")) << "these files are not there";
}

TEST(Duplicates, WhereThereAreNoneNoneAreFound) {
  EXPECT_THAT(find_duplicates({}), IsEmpty());
  LookedPeopleDraft draft;
  draft.add("Ada", "1.jpg", {0});
  EXPECT_THAT(find_duplicates(draft.people()), IsEmpty());
}

}  // namespace
}  // namespace faceforge::dataset
