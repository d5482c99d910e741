#include "crops/person_list.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "crops/crop_writer.h"
#include "support/test_data.h"

namespace faceforge::crops {
namespace {

std::vector<std::string> numbered_people(int count) {
  std::vector<std::string> people;
  for (int i = 0; i < count; ++i) people.push_back("person " + std::to_string(i));
  return people;
}

TEST(SplitPeople, EveryoneIsOnExactlyOneListAndTheShareIsKept) {
  const auto people = numbered_people(103);
  const PersonSplit split = split_people(people, 0.8, 1);
  EXPECT_EQ(split.train.size(), 82);  // 82.4
  std::set<std::string> all(split.train.begin(), split.train.end());
  all.insert(split.test.begin(), split.test.end());
  EXPECT_EQ(all.size(), people.size());
  EXPECT_EQ(split.train.size() + split.test.size(), people.size());
}

TEST(SplitPeople, TheOrderOfThePeopleDoesNotMatterAndTheSeedDoes) {
  auto people = numbered_people(50);
  const PersonSplit split = split_people(people, 0.5, 7);
  std::ranges::reverse(people);
  EXPECT_EQ(split_people(people, 0.5, 7).train, split.train);
  EXPECT_NE(split_people(people, 0.5, 8).train, split.train);
}

TEST(SplitPeople, ThoseWhoAreAddedLaterDoNotReshuffleTheOthers) {
  const PersonSplit before = split_people(numbered_people(100), 0.5, 1);
  const PersonSplit after = split_people(numbered_people(101), 0.5, 1);
  std::vector<std::string> left;
  std::ranges::set_difference(before.train, after.train, std::back_inserter(left));
  EXPECT_LE(left.size(), 1U);
}

// printf '1:Ada' | sha256sum: 6fc2158c...; '1:Bob': e72ed72d...; the smaller one trains.
TEST(SplitPeople, TheDrawIsByTheHashOfSeedAndName) {
  const PersonSplit split = split_people({"Bob", "Ada"}, 0.5, 1);
  EXPECT_EQ(split.train, std::vector<std::string>{"Ada"});
  EXPECT_EQ(split.test, std::vector<std::string>{"Bob"});
}

class PersonListTest : public testing::Test {
 protected:
  PersonListTest() {
    auto writer = CropWriter::create(crops_path_, {.width_px = 1, .height_px = 1});
    for (const char* name : {"Ada", "Bob", "Cleo"}) EXPECT_TRUE(writer->add_person(name));
    EXPECT_TRUE(writer->finish());
  }

  Result<std::vector<uint32_t>> read(std::string_view text) {
    EXPECT_TRUE(write_file_atomically(list_path_, text));
    return read_person_list(list_path_, *CropFile::open(crops_path_));
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path crops_path_ = folder_.path() / "crops.ffd";
  const std::filesystem::path list_path_ = folder_.path() / "people.txt";
};

TEST_F(PersonListTest, NamesBecomeTheirIndicesInOrder) {
  EXPECT_EQ(*read("Cleo\r\nAda\n\n"), (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(*read(to_list_text({"Bob"})), std::vector<uint32_t>{1});
}

TEST_F(PersonListTest, AListIsReadWithoutCropsInItsOwnOrder) {
  EXPECT_TRUE(write_file_atomically(list_path_, "Cleo\r\n\nAda\nEve"));
  EXPECT_EQ(*read_name_list(list_path_), (std::vector<std::string>{"Cleo", "Ada", "Eve"}));
  EXPECT_TRUE(write_file_atomically(list_path_, "Eve\nAda\nEve\n"));
  EXPECT_EQ(read_name_list(list_path_).error().reason, "person_list");
}

TEST_F(PersonListTest, AListForOtherCropsIsRefused) {
  EXPECT_EQ(read("Ada\nEve\n").error().reason, "person_list");
  EXPECT_EQ(read("Ada\nAda\n").error().reason, "person_list");
  EXPECT_EQ(read("\n").error().reason, "person_list");
  EXPECT_EQ(
      read_person_list(folder_.path() / "absent", *CropFile::open(crops_path_)).error().reason,
      "file_not_found");
}

}  // namespace
}  // namespace faceforge::crops
