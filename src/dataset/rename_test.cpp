#include "dataset/rename.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "dataset/rename_crash_test_support.h"
#include "support/ordinary_user.h"

namespace faceforge::dataset {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RenameTest : public testing::Test {
 protected:
  RenameReport rename(const RenameOptions& options = {}) {
    auto report = rename_photos(people_, options);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(RenameReport{});
  }

  RenameReport undo(const RenameOptions& options = {}) {
    auto report = undo_renames(people_, options);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(RenameReport{});
  }

  std::vector<std::string> names() {
    std::vector<std::string> paths;
    for (const auto& [path, content] : tree_of(people_)) paths.push_back(path);
    return paths;
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path people_ = folder_.path() / "people";
};

TEST_F(RenameTest, PhotosAreNamedAfterTheirPersonAndNumberedInNaturalOrder) {
  plant(people_, {{"A/image.jpg", "1"}, {"A/image10.jpg", "3"}, {"A/image2.JPEG", "2"}});
  const RenameReport report = rename();
  EXPECT_EQ(tree_of(people_), (Tree{{"A/A_1.jpg", "1"}, {"A/A_2.jpeg", "2"}, {"A/A_3.jpg", "3"}}));
  ASSERT_EQ(report.renamed.size(), 3U);
  EXPECT_EQ(report.renamed[1].from, "A/image2.JPEG");
  EXPECT_EQ(report.renamed[1].to, "A/A_2.jpeg");
}

TEST_F(RenameTest, WithAPrefixNumbersStartAtOneInEachFolder) {
  plant(people_, {{"A/x.jpg", "1"}, {"A/y.jpg", "2"}, {"B/x.jpg", "3"}});
  rename({.prefix = "child"});
  EXPECT_EQ(tree_of(people_),
            (Tree{{"A/child_1.jpg", "1"}, {"A/child_2.jpg", "2"}, {"B/child_1.jpg", "3"}}));
}

TEST_F(RenameTest, NumberingContinuesOverWhatIsNamedRightAndChangesNothingTheSecondTime) {
  plant(people_, {{"A/A_1.jpg", "1"}, {"A/A_7.png", "7"}, {"A/new.jpg", "8"}, {"A/A_07.jpg", "9"}});
  const RenameReport report = rename();
  EXPECT_EQ(report.named_right_count, 2U);
  const Tree after{{"A/A_1.jpg", "1"}, {"A/A_7.png", "7"}, {"A/A_8.jpg", "9"}, {"A/A_9.jpg", "8"}};
  EXPECT_EQ(tree_of(people_), after);
  EXPECT_THAT(rename().renamed, IsEmpty());
  EXPECT_EQ(tree_of(people_), after);
}

TEST_F(RenameTest, ANumberThatTwoPhotosShareStaysWithTheFirst) {
  plant(people_, {{"A/A_1.jpg", "1"}, {"A/A_1.png", "2"}, {"A/A_2.jpg", "3"}});
  rename();
  EXPECT_EQ(tree_of(people_), (Tree{{"A/A_1.jpg", "1"}, {"A/A_2.jpg", "3"}, {"A/A_3.png", "2"}}));
}

TEST_F(RenameTest, NamesThatOnlyDifferInCaseAreRenamedEach) {
  plant(people_, {{"A/a_1.jpg", "1"}, {"A/A_1.JPG", "2"}, {"A/IMG.jpg", "3"}, {"A/img.jpg", "4"}});
  rename();
  EXPECT_EQ(contents_of(tree_of(people_)), (std::multiset<std::string>{"1", "2", "3", "4"}));
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/A_2.jpg", "A/A_3.jpg", "A/A_4.jpg"));
}

// The same name composed and decomposed: two folders, each photo in the form of its own.
TEST_F(RenameTest, TheFormOfUnicodeIsThatOfTheFolder) {
  plant(people_, {{"Zo\xC3\xAB/x.jpg", "1"},
                  {"Zoe\xCC\x88/x.jpg", "2"},
                  {"Zo\xC3\xAB/Zoe\xCC\x88_1.jpg", "3"},
                  {"\xFF\xFE/x.jpg", "4"}});
  rename();
  EXPECT_EQ(tree_of(people_), (Tree{{"Zo\xC3\xAB/Zo\xC3\xAB_1.jpg", "1"},
                                    {"Zo\xC3\xAB/Zo\xC3\xAB_2.jpg", "3"},
                                    {"Zoe\xCC\x88/Zoe\xCC\x88_1.jpg", "2"},
                                    {"\xFF\xFE/\xFF\xFE_1.jpg", "4"}}));
}

TEST_F(RenameTest, LinksHiddenFilesNestedFoldersAndOtherFilesAreLeftAloneAndTold) {
  const Tree kept{{".hidden/x.jpg", "1"}, {"A/.x.jpg", "2"},       {"A/link.jpg", "->a.jpg"},
                  {"A/deep/x.jpg", "3"},  {"A/notes.txt", "4"},    {"beside.jpg", "5"},
                  {"LICENCE", "6"},       {"linked", "->../other"}};
  Tree before = kept;
  before["A/a.jpg"] = "7";
  plant(people_, before);
  plant(folder_.path() / "other", {{"x.jpg", "8"}});
  const RenameReport report = rename();
  Tree after = kept;
  after["A/A_1.jpg"] = "7";
  EXPECT_EQ(tree_of(people_), after);
  EXPECT_EQ(tree_of(folder_.path() / "other"), (Tree{{"x.jpg", "8"}}));
  std::map<std::string, std::string_view> told;
  for (const auto& file : report.left_alone) told[file.path] = to_string(file.reason);
  EXPECT_EQ(told, (std::map<std::string, std::string_view>{{"A/.x.jpg", "hidden"},
                                                           {"A/link.jpg", "symbolic_link"},
                                                           {"A/deep", "nested_folder"},
                                                           {"A/notes.txt", "no_photo"},
                                                           {"beside.jpg", "outside_of_a_person"},
                                                           {"LICENCE", "no_photo"},
                                                           {"linked", "symbolic_link"}}));
}

TEST_F(RenameTest, ANumberWhoseNameIsTakenByWhatIsLeftAloneIsPassedOver) {
  plant(people_, {{"A/x.jpg", "1"}, {"A/a_1.JPG", "->x.jpg"}, {"A/A_2.jpg/deep.jpg", "2"}});
  rename();
  EXPECT_THAT(names(), ElementsAre("A/A_2.jpg/deep.jpg", "A/A_3.jpg", "A/a_1.JPG"));
}

TEST_F(RenameTest, APhotoThatMayNotBeWrittenIsRenamedAndKeepsItsMode) {
  plant(people_, {{"A/x.jpg", "1"}});
  ::chmod((people_ / "A/x.jpg").c_str(), 0400);
  rename();
  struct stat status {};
  ASSERT_EQ(::stat((people_ / "A/A_1.jpg").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0400U);
}

TEST_F(RenameTest, AFolderThatMayNotBeWrittenToIsToldAndTheOthersAreRenamed) {
  plant(people_, {{"A/x.jpg", "1"}, {"B/x.jpg", "2"}});
  const test::AsOrdinaryUser user(folder_.path());
  ::chmod((people_ / "A").c_str(), 0500);
  const RenameReport report = rename();
  ::chmod((people_ / "A").c_str(), 0700);
  EXPECT_THAT(names(), ElementsAre("A/x.jpg", "B/B_1.jpg"));
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].name, "A");
  EXPECT_EQ(report.skipped[0].error.reason, "file_not_writable");
}

TEST_F(RenameTest, ANameThatWouldBeTooLongIsToldAndNothingInThatFolderIsRenamed) {
  const std::string longest(255, 'n');
  plant(people_, {{longest + "/x.jpg", "1"}, {"B/x.jpg", "2"}});
  const RenameReport report = rename();
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].error.reason, "name_too_long");
  EXPECT_THAT(names(), ElementsAre("B/B_1.jpg", longest + "/x.jpg"));
}

TEST_F(RenameTest, ADryRunSaysTheSameAndChangesNothing) {
  const Tree before{{"A/x.jpg", "1"}, {"A/y.jpg", "2"}};
  plant(people_, before);
  const RenameReport dry = rename({.dry_run = true});
  EXPECT_EQ(tree_of(people_), before);
  EXPECT_FALSE(RenameState::exists(people_));
  const RenameReport report = rename();
  ASSERT_EQ(dry.renamed.size(), 2U);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(dry.renamed[i].to, report.renamed[i].to);
  const RenameReport dry_undo = undo({.dry_run = true});
  ASSERT_EQ(dry_undo.renamed.size(), 2U);
  EXPECT_EQ(dry_undo.renamed[0].to, "A/x.jpg");
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/A_2.jpg"));
}

TEST_F(RenameTest, WhereNothingIsToBeDoneNothingIsLeftBehind) {
  plant(people_, {{"A/A_1.jpg", "1"}});
  EXPECT_THAT(rename().renamed, IsEmpty());
  EXPECT_FALSE(RenameState::exists(people_));
}

TEST_F(RenameTest, RunsAreUndoneTheLastOneFirst) {
  plant(people_, {{"A/x.jpg", "1"}});
  rename();
  plant(people_, {{"A/y.jpg", "2"}});
  rename();
  rename({.prefix = "child"});
  undo();
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/A_2.jpg"));
  undo();
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/y.jpg"));
  undo();
  EXPECT_THAT(names(), ElementsAre("A/x.jpg", "A/y.jpg"));
  EXPECT_EQ(undo_renames(people_, {}).error().reason, "nothing_to_undo");
}

TEST_F(RenameTest, WhatWasChangedSinceCannotBeUndoneAndTheRestIs) {
  plant(people_, {{"A/a.jpg", "1"}, {"A/b.jpg", "2"}, {"A/c.jpg", "3"}, {"A/d.jpg", "4"}});
  rename();
  std::ofstream(people_ / "A/A_1.jpg") << "longer than it was";
  std::filesystem::remove(people_ / "A/A_2.jpg");
  plant(people_, {{"A/c.jpg", "another"}});
  const RenameReport report = undo();
  EXPECT_EQ(tree_of(people_), (Tree{{"A/A_1.jpg", "longer than it was"},
                                    {"A/A_3.jpg", "3"},
                                    {"A/c.jpg", "another"},
                                    {"A/d.jpg", "4"}}));
  ASSERT_EQ(report.skipped.size(), 3U);
  EXPECT_EQ(report.skipped[0].name, "A/A_1.jpg");
  EXPECT_EQ(report.skipped[0].error.reason, "photo_changed");
  EXPECT_EQ(report.skipped[1].error.reason, "photo_changed");
  EXPECT_EQ(report.skipped[2].error.reason, "name_taken");
  // The old name that was taken can be had once it is free; the others are out of reach.
  std::filesystem::remove(people_ / "A/c.jpg");
  EXPECT_THAT(undo().skipped, IsEmpty());
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/c.jpg", "A/d.jpg"));
}

TEST_F(RenameTest, AFileThatTakesANewNameMeanwhileIsNotOverwritten) {
  class Intruder final : public FolderChanges {
   public:
    explicit Intruder(std::filesystem::path file) : file_(std::move(file)) {}
    Result<void> move(const PhotoFolder& folder, const std::string& from,
                      const std::string& to) override {
      std::ofstream(file_) << "intruder";
      return FolderChanges::move(folder, from, to);
    }
    std::filesystem::path file_;
  } disk(people_ / "A/A_1.jpg");
  plant(people_, {{"A/x.jpg", "1"}, {"A/y.jpg", "2"}});
  const auto report = rename_photos(people_, {}, disk);
  ASSERT_TRUE(report);
  EXPECT_EQ(tree_of(people_),
            (Tree{{"A/A_1.jpg", "intruder"}, {"A/A_2.jpg", "2"}, {"A/x.jpg", "1"}}));
  ASSERT_EQ(report->skipped.size(), 1U);
  EXPECT_EQ(report->skipped[0].name, "A/x.jpg");
  EXPECT_EQ(report->skipped[0].error.reason, "name_taken");
}

TEST_F(RenameTest, PhotosOfAFolderThatWasMovedAwayAfterACrashAreTakenUpAgain) {
  plant(people_, {{"A/x.jpg", "1"}, {"A/y.jpg", "2"}});
  CrashingDisk disk(3);  // the journal and two photos' first moves
  EXPECT_THROW((void)rename_photos(people_, {}, disk), Crash);
  std::filesystem::rename(people_ / "A", people_ / "B");
  const RenameReport report = rename();
  EXPECT_THAT(names(), ElementsAre("B/B_1.jpg", "B/B_2.jpg"));
  EXPECT_EQ(contents_of(tree_of(people_)), (std::multiset<std::string>{"1", "2"}));
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].name, "A");
}

TEST_F(RenameTest, AFolderThatIsOutOfReachForAWhileKeepsItsOldNamesInTheJournal) {
  plant(people_, {{"A/x.jpg", "1"}, {"B/y.jpg", "2"}});
  CrashingDisk disk(5);  // the journal, A's two moves and its flush, B's first move
  EXPECT_THROW((void)rename_photos(people_, {}, disk), Crash);
  const test::AsOrdinaryUser user(folder_.path());
  ::chmod((people_ / "B").c_str(), 0);
  const auto refused = rename_photos(people_, {});
  ::chmod((people_ / "B").c_str(), 0700);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Forbidden);
  rename();
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "B/B_1.jpg"));
  undo();
  EXPECT_THAT(names(), ElementsAre("A/x.jpg", "B/y.jpg"));
}

TEST_F(RenameTest, ASecondRunAtTheSameTimeIsRefused) {
  plant(people_, {{"A/x.jpg", "1"}});
  const auto held = RenameState::take(people_);
  ASSERT_TRUE(held);
  for (const auto& refused : {rename_photos(people_, {}), undo_renames(people_, {})}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_EQ(refused.error().reason, "rename_in_progress");
  }
}

TEST_F(RenameTest, AStopIsHeededBetweenTwoPeopleAndLeavesNothingHalfDone) {
  plant(people_, {{"A/x.jpg", "1"}, {"A/y.jpg", "2"}, {"B/x.jpg", "3"}});
  std::stop_source stop;
  const RenameReport report = rename({.report =
                                          [&](size_t done, size_t total) {
                                            EXPECT_EQ(total, 3U);
                                            if (done == 2) stop.request_stop();
                                          },
                                      .stop = stop.get_token()});
  EXPECT_TRUE(report.was_stopped);
  EXPECT_THAT(names(), ElementsAre("A/A_1.jpg", "A/A_2.jpg", "B/x.jpg"));
  undo();
  EXPECT_THAT(names(), ElementsAre("A/x.jpg", "A/y.jpg", "B/x.jpg"));
}

TEST_F(RenameTest, JournalsThatCameWithTheFolderLeadNowhereElse) {
  plant(people_, {{"A/x.jpg", "1"}, {".faceforge-rename/running", "->../../victim"}});
  EXPECT_EQ(rename_photos(people_, {}).error().reason, "rename_journal_damaged");
  std::filesystem::remove_all(people_ / ".faceforge-rename");
  create_directory_symlink(folder_.path(), people_ / ".faceforge-rename");
  EXPECT_EQ(rename_photos(people_, {}).error().reason, "not_a_folder");
  std::filesystem::remove_all(people_ / ".faceforge-rename");
  plant(people_, {{".faceforge-rename/running", "no journal"}});
  EXPECT_EQ(rename_photos(people_, {}).error().reason, "rename_journal_damaged");
}

TEST_F(RenameTest, WhatIsNoFolderOfPeopleIsAnErrorThatSaysWhatWouldBe) {
  EXPECT_EQ(rename_photos(people_, {}).error().reason, "folder_not_found");
  plant(people_, {{"x.jpg", "1"}});
  const auto flat = rename_photos(people_, {});
  EXPECT_EQ(flat.error().reason, "no_people");
  EXPECT_EQ(undo_renames(people_, {}).error().reason, "nothing_to_undo");
}

TEST_F(RenameTest, APrefixThatNoFileCanBeginWithIsRefused) {
  plant(people_, {{"A/x.jpg", "1"}});
  for (const std::string& prefix :
       {std::string(), std::string(".x"), std::string("a/b"), std::string("\xFF"),
        std::string("a\nb"), std::string(201, 'a')}) {
    EXPECT_EQ(rename_photos(people_, {.prefix = prefix}).error().reason, "prefix_invalid");
  }
  EXPECT_TRUE(rename_photos(people_, {.prefix = std::string(200, 'a')}));
}

}  // namespace
}  // namespace faceforge::dataset
