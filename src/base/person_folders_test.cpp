#include "base/person_folders.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge {
namespace {

class PersonFoldersTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto* file : {"Bob/2.jpg", "Bob/1.jpg", "Bob/.thumbnail", "Bob/deeper/3.jpg",
                             "Ann/a.png", ".hidden/x.jpg", "notes.txt"}) {
      const auto path = folder_.path() / file;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << "x";
    }
    std::filesystem::create_directories(folder_.path() / "Cid");
  }

  test::TemporaryFolder folder_;
};

TEST_F(PersonFoldersTest, PeopleAndTheirFilesComeByName) {
  const auto people = list_person_folders(folder_.path(), 3).value();
  ASSERT_EQ(people.size(), 3U);
  EXPECT_EQ(people[0].name, "Ann");
  EXPECT_EQ(people[1].photos,
            (std::vector{folder_.path() / "Bob" / "1.jpg", folder_.path() / "Bob" / "2.jpg"}));
  EXPECT_TRUE(people[2].photos.empty());
}

TEST_F(PersonFoldersTest, ALinkCountsAsWhatItLeadsTo) {
  std::filesystem::create_directory_symlink(folder_.path() / "Ann", folder_.path() / "Dora");
  std::filesystem::create_symlink(folder_.path() / "nowhere", folder_.path() / "Cid" / "1.jpg");
  const auto people = list_person_folders(folder_.path(), 10).value();
  ASSERT_EQ(people.size(), 4U);
  EXPECT_TRUE(people[2].photos.empty()) << "a link to nothing is no photo";
  EXPECT_EQ(people[3].photos.size(), 1U);
}

TEST_F(PersonFoldersTest, TheLimitCountsOnlyWhomItTakes) {
  const auto too_many = list_person_folders(folder_.path(), 2);
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(too_many.error().reason, "too_many_photos");
  EXPECT_EQ(list_person_folders(folder_.path(), 2, {"Ann"}).value().size(), 2U);
}

TEST_F(PersonFoldersTest, AFolderThatIsNotThereIsNamed) {
  const auto found = list_person_folders(folder_.path() / "nowhere", 10);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().reason, "folder_not_found");
  EXPECT_NE(found.error().message.find("nowhere"), std::string::npos);
}

}  // namespace
}  // namespace faceforge
