#include "dataset/move_aside.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class MoveAsideTest : public testing::Test {
 protected:
  void add(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  test::TemporaryFolder folder_;
  const fs::path people_ = folder_.path() / "people";
  const fs::path aside_ = folder_.path() / "aside";
};

TEST_F(MoveAsideTest, PhotosGoToTheSamePlaceInTheOtherFolder) {
  add(people_ / "Ada/1.jpg", "one");
  add(people_ / "Ada/2.jpg", "two");
  const auto report = move_aside(people_, {"Ada/2.jpg"}, aside_);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->moved, ElementsAre("Ada/2.jpg"));
  EXPECT_TRUE(fs::exists(people_ / "Ada/1.jpg"));
  EXPECT_FALSE(fs::exists(people_ / "Ada/2.jpg"));
  EXPECT_EQ(*read_text_file(aside_ / "Ada/2.jpg", 100), "two");
}

TEST_F(MoveAsideTest, NothingIsOverwrittenAndTheOthersAreMoved) {
  add(people_ / "Ada/1.jpg", "one");
  add(people_ / "Ada/2.jpg", "two");
  add(aside_ / "Ada/1.jpg", "another");
  const auto report = move_aside(people_, {"Ada/1.jpg", "Ada/2.jpg", "Ada/3.jpg"}, aside_);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->moved, ElementsAre("Ada/2.jpg"));
  ASSERT_EQ(report->skipped.size(), 2U);
  EXPECT_EQ(report->skipped[0].error.reason, "name_taken");
  EXPECT_EQ(report->skipped[1].error.code, ErrorCode::NotFound);
  EXPECT_EQ(*read_text_file(people_ / "Ada/1.jpg", 100), "one");
  EXPECT_EQ(*read_text_file(aside_ / "Ada/1.jpg", 100), "another");
}

TEST_F(MoveAsideTest, LinksStayAndSoDoesWhatTheyLeadTo) {
  const fs::path original = folder_.path() / "original";
  add(original / "Ada/1.jpg", "one");
  add(people_ / "Bob/2.jpg", "two");
  fs::create_directory_symlink(original / "Ada", people_ / "Ada");
  fs::create_symlink("2.jpg", people_ / "Bob/cover.jpg");
  const auto report = move_aside(people_, {"Ada/1.jpg", "Bob/cover.jpg", "Bob/2.jpg"}, aside_);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->moved, ElementsAre("Bob/2.jpg"));
  ASSERT_EQ(report->skipped.size(), 2U);
  for (const Skipped& skipped : report->skipped) EXPECT_EQ(skipped.error.reason, "symbolic_link");
  EXPECT_TRUE(fs::exists(original / "Ada/1.jpg"));
}

TEST_F(MoveAsideTest, AnotherFileSystemGetsACopyBeforeThePhotoGoes) {
  const fs::path memory = "/dev/shm";
  struct RemovedFolder {
    explicit RemovedFolder(fs::path folder) : path(std::move(folder)) {}
    ~RemovedFolder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
    RemovedFolder(const RemovedFolder&) = delete;
    RemovedFolder& operator=(const RemovedFolder&) = delete;
    const fs::path path;
  } const aside(memory / folder_.path().filename());
  std::error_code failed;
  if (!fs::create_directory(aside.path, failed)) GTEST_SKIP() << "no /dev/shm here";
  add(people_ / "Ada/1.jpg", "one");
  const auto report = move_aside(people_, {"Ada/1.jpg"}, aside.path);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->moved, ElementsAre("Ada/1.jpg"));
  EXPECT_FALSE(fs::exists(people_ / "Ada/1.jpg"));
  EXPECT_EQ(*read_text_file(aside.path / "Ada/1.jpg", 100), "one");
}

TEST_F(MoveAsideTest, AFolderAmongThePeopleIsRefused) {
  add(people_ / "Ada/1.jpg", "one");
  for (const fs::path& aside : {people_, people_ / "aside", people_ / "Ada/../x", people_ / ""}) {
    EXPECT_EQ(move_aside(people_, {"Ada/1.jpg"}, aside).error().reason, "output_among_photos");
  }
  EXPECT_EQ(check_outside(people_ / "x", people_ / "").error().reason, "output_among_photos");
  EXPECT_TRUE(check_outside(folder_.path() / "people2", people_));
}

}  // namespace
}  // namespace faceforge::dataset
