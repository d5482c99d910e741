#include "evaluate/attributes.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

/// Ann with two photos, Bob with one.
PeopleFolder two_people() {
  return {.people = {"Ann", "Bob"},
          .photos = {{0, "Ann/1.jpg"}, {0, "Ann/2.jpg"}, {1, "Bob/1.jpg"}},
          .files = {}};
}

TEST(Attributes, APhotosOwnLineComesBeforeItsPersons) {
  const auto read = parse_attributes(
                        "name,glasses,\"age, years\"\nAnn,no,20-30\nAnn/2.jpg,yes,\nBob,no,\"30 "
                        "\"\"or\"\" so\"\n",
                        two_people())
                        .value();
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read[0].attribute, "glasses");
  EXPECT_EQ(read[0].groups, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(read[0].group_of_photo[0], 0);
  EXPECT_EQ(read[0].group_of_photo[1], 1);
  EXPECT_EQ(read[1].attribute, "age, years");
  EXPECT_EQ(read[1].group_of_photo[1], std::nullopt);
  EXPECT_EQ(read[1].groups[*read[1].group_of_photo[2]], "30 \"or\" so");
}

TEST(Attributes, SpreadsheetsMayWriteAByteOrderMarkAndCarriageReturns) {
  const auto read = parse_attributes("\xef\xbb\xbfname,g\r\nBob,x\r\n", two_people()).value();
  EXPECT_EQ(read[0].group_of_photo[0], std::nullopt);
  EXPECT_EQ(read[0].groups, (std::vector<std::string>{"x"}));
}

void expect_malformed(std::string_view csv, std::string_view expected,
                      const AttributeLimits& limits = {}) {
  const auto read = parse_attributes(csv, two_people(), limits);
  ASSERT_FALSE(read.has_value()) << csv;
  EXPECT_EQ(read.error().reason, "attributes_malformed") << csv;
  EXPECT_NE(read.error().message.find(expected), std::string::npos) << read.error().message;
}

TEST(Attributes, AMistakeIsToldWithItsRow) {
  expect_malformed("", "row 1");
  expect_malformed("name\nAnn\n", "0 attributes");
  expect_malformed("name,a,b\nAnn,1,2\n", "1 to 1", {.attribute_count = 1});
  expect_malformed("name,a\nAnn,1\nBob\n", "row 3: 1 fields; the first line has 2");
  expect_malformed("name,a\nAnn,1\nAnn,2\n", "row 3: `Ann` occurs a second time");
  expect_malformed("name,a\nAnn,\"1\nBob,2\n", "row 2");
  expect_malformed("name,a\nAnn,12345\n", "a field of 5 bytes; the limit is 4", {.field_bytes = 4});
  expect_malformed("name,a\nAnn,1\nBob,2\n", "2 groups; the limit is 1", {.group_count = 1});
}

TEST(Attributes, NamesOfNobodyHereAreRefused) {
  const auto read = parse_attributes("name,a\nCarl,1\nDan,2\n", two_people());
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().reason, "attributes_of_nobody");
}

TEST(Attributes, AFileThatIsTooLargeOrNotThereIsTold) {
  EXPECT_EQ(parse_attributes("name,a\n", two_people(), {.file_bytes = 3}).error().reason,
            "attributes_too_large");
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "a.csv";
  EXPECT_EQ(read_attributes(file, two_people()).error().code, ErrorCode::NotFound);
  std::ofstream(file) << "name,a\nAnn,1,2\n";
  const auto read = read_attributes(file, two_people());
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("a.csv: row 2"), std::string::npos);
}

}  // namespace
}  // namespace faceforge::evaluate
