#include "evaluate/people_folder.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/ordinary_user.h"
#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

class PeopleFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto* photo : {"Bob/2.jpg", "Bob/1.jpg", "Ann/a.png", ".hidden/x.jpg"}) {
      const auto path = folder() / photo;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << "x";
    }
    std::ofstream(folder() / "notes.txt") << "x";
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return temporary_.path(); }

 private:
  test::TemporaryFolder temporary_;
};

TEST_F(PeopleFolderTest, PeopleAndTheirPhotosComeByName) {
  const auto found = list_people(folder(), {}).value();
  EXPECT_EQ(found.people, (std::vector<std::string>{"Ann", "Bob"}));
  ASSERT_EQ(found.photos.size(), 3);
  EXPECT_EQ(found.photos[1].name, "Bob/1.jpg");
  EXPECT_EQ(found.photos[1].person_index, 1);
  EXPECT_EQ(found.files[2], folder() / "Bob" / "2.jpg");
  EXPECT_EQ(list_people(folder(), {"Bob"}).value().files.size(), 1);
  EXPECT_EQ(list_people(folder(), {"Ann", "Bob"}).error().reason, "no_photos");
}

TEST_F(PeopleFolderTest, AFolderThatCannotBeReadIsAnErrorThatNamesIt) {
  EXPECT_EQ(list_people(folder() / "nowhere", {}).error().code, ErrorCode::NotFound);
  const test::AsOrdinaryUser ordinary(folder());
  std::filesystem::permissions(folder() / "Bob", std::filesystem::perms::none);
  const auto found = list_people(folder(), {});
  std::filesystem::permissions(folder() / "Bob", std::filesystem::perms::owner_all);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::Forbidden);
  EXPECT_NE(found.error().message.find("/Bob"), std::string::npos);
}

}  // namespace
}  // namespace faceforge::evaluate
