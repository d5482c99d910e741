#include "evaluate/range_photos.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

class RangePhotosTest : public testing::Test {
 protected:
  /// People of three photos each.
  void add_people(int first, int count) {
    for (int person = first; person < first + count; ++person) {
      const auto folder = folder_.path() / ("person" + std::to_string(person));
      std::filesystem::create_directories(folder);
      for (const char* photo : {"a.jpg", "b.jpg", "c.jpg"}) std::ofstream(folder / photo) << "x";
    }
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

std::set<std::string> people_of(const std::vector<std::filesystem::path>& photos) {
  std::set<std::string> people;
  for (const auto& photo : photos) people.insert(photo.parent_path().filename().string());
  return people;
}

TEST_F(RangePhotosTest, HalfThePeopleShowAndTheOtherHalfJudge) {
  add_people(0, 20);
  const RangePhotos halves = split_range_photos(folder(), {}, 1).value();
  EXPECT_EQ(halves.observed.size(), 30U);
  EXPECT_EQ(halves.held_out.size(), 30U);
  std::set<std::string> all = people_of(halves.observed);
  EXPECT_EQ(all.size(), 10U);
  all.merge(people_of(halves.held_out));
  EXPECT_EQ(all.size(), 20U) << "nobody is on both sides";
}

TEST_F(RangePhotosTest, TheSameSeedSplitsAlikeAndAnotherOtherwise) {
  add_people(0, 20);
  const auto split = [&](uint64_t seed) { return split_range_photos(folder(), {}, seed).value(); };
  EXPECT_EQ(split(1).observed, split(1).observed);
  EXPECT_NE(people_of(split(1).observed), people_of(split(2).observed));
}

TEST_F(RangePhotosTest, ExcludedPeopleAreOnNeitherSide) {
  add_people(0, 4);
  const RangePhotos halves = split_range_photos(folder(), {"person0", "person3"}, 1).value();
  std::set<std::string> all = people_of(halves.observed);
  all.merge(people_of(halves.held_out));
  EXPECT_EQ(all, (std::set<std::string>{"person1", "person2"}));
}

TEST_F(RangePhotosTest, OnePersonCannotShowAndJudge) {
  add_people(0, 1);
  std::filesystem::create_directories(folder() / "without photos");
  const auto refused = split_range_photos(folder(), {}, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "too_few_range_people");
  EXPECT_NE(refused.error().message.find("at least 2"), std::string::npos);
}

TEST_F(RangePhotosTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_EQ(split_range_photos(folder() / "nowhere", {}, 1).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace faceforge::evaluate
