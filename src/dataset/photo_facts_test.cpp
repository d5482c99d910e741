#include "dataset/photo_facts.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

TEST(LookAtPeople, AFileIsLookedAtOnceWhateverNamesLeadToIt) {
  const test::TemporaryFolder folder;
  const fs::path people = folder.path();
  fs::create_directories(people / "Ada");
  std::ofstream(people / "Ada/photo.jpg") << "one";
  std::ofstream(people / "Ada/twin.jpg") << "one";  // the same bytes in a file of its own
  fs::create_symlink("photo.jpg", people / "Ada/cover.jpg");
  fs::create_hard_link(people / "Ada/photo.jpg", people / "Ada/second.jpg");
  fs::create_directory_symlink("Ada", people / "Bob");
  const auto look = [](const fs::path&) -> Result<PhotoFacts> { return PhotoFacts{}; };
  const auto looked = look_at_people(people, look, 1, {});
  ASSERT_TRUE(looked) << looked.error().message;
  ASSERT_EQ(looked->photos.size(), 2U);
  EXPECT_EQ(looked->name_of(0), "Ada/cover.jpg");
  EXPECT_EQ(looked->name_of(1), "Ada/twin.jpg");
  std::vector<std::string> skipped;
  for (const Skipped& one : looked->skipped) {
    EXPECT_EQ(one.error.reason, "same_file");
    skipped.push_back(one.name);
  }
  EXPECT_THAT(skipped, ElementsAre("Ada/photo.jpg", "Ada/second.jpg", "Bob/cover.jpg",
                                   "Bob/photo.jpg", "Bob/second.jpg", "Bob/twin.jpg"));
}

}  // namespace
}  // namespace faceforge::dataset
