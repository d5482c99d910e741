#include "crops/trained_people.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace faceforge::crops {
namespace {

PersonSalt salt(unsigned char last) {
  PersonSalt made{};
  made.back() = std::byte{last};
  return made;
}

const std::vector<std::string> kNames{"Aaron_Peirsol", "\xC3\x96zil", "Zico"};

// printf 'aaron peirsol' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00..01
TEST(TrainedPeople, AHashIsHalfOfAnHmacOfTheFoldedName) {
  EXPECT_EQ(to_hex(person_hash(salt(1), "Aaron_Peirsol")), "0d90df6e2ace769dcc20766d1ddb1339");
}

TEST(TrainedPeople, AreFoundHoweverTheirNamesAreWritten) {
  const TrainedPeople people(salt(1), kNames);
  EXPECT_EQ(people.count(), 3U);
  for (const char* name :
       {"Aaron_Peirsol", "aaron peirsol", "AARON PEIRSOL", "Zico", "\xC3\xB6zil", "O\xCC\x88zil"}) {
    EXPECT_TRUE(people.contains(name)) << name;
  }
  for (const char* name : {"Aaron_Peirsola", "Aaron", "", "\xFF\xFE"}) {
    EXPECT_FALSE(people.contains(name)) << name;
  }
}

TEST(TrainedPeople, NamesThatAreNoUtf8AreTheirBytes) {
  const std::vector<std::string> odd{"\xFF\xFE"};
  EXPECT_TRUE(TrainedPeople(salt(1), odd).contains("\xFF\xFE"));
}

TEST(TrainedPeople, AnotherSaltMakesOtherHashes) {
  const TrainedPeople one(salt(1), kNames), other(salt(2), kNames);
  for (const PersonHash& hash : one.hashes()) {
    EXPECT_EQ(std::ranges::count(other.hashes(), hash), 0);
  }
}

TEST(TrainedPeople, AreReadAsTheyWereWritten) {
  const TrainedPeople people(salt(1), kNames);
  const auto read = parse_hash_lines(salt(1), to_hash_lines(people));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, people);
  EXPECT_EQ(parse_hash_lines(salt(1), "")->count(), 0U);
}

TEST(TrainedPeople, LinesThatAreNoneAreRefused) {
  const std::string whole = to_hash_lines(TrainedPeople(salt(1), kNames));
  const auto reason = [](const std::string& text) {
    const auto read = parse_hash_lines(salt(1), text);
    return read ? "" : read.error().reason;
  };
  EXPECT_EQ(reason(whole), "");
  EXPECT_EQ(reason(whole.substr(0, 40)), "trained_people_malformed");
  EXPECT_EQ(reason(whole.substr(0, 32)), "trained_people_malformed");
  EXPECT_EQ(reason(whole.substr(33) + whole.substr(0, 33)), "trained_people_malformed");
  EXPECT_EQ(reason(whole.substr(0, 33) + whole), "trained_people_malformed");
  EXPECT_EQ(reason("g" + whole.substr(1)), "trained_people_malformed");
  EXPECT_EQ(reason(std::string(33 * (kMaxTrainedPeople + 1), '0')), "too_many_trained_people");
}

TEST(TrainedPeople, ASaltIsThirtyTwoDigits) {
  EXPECT_EQ(parse_person_salt("00000000000000000000000000000001"), salt(1));
  EXPECT_EQ(parse_person_salt("0000000000000000000000000000000").error().reason,
            "person_salt_malformed");
  EXPECT_EQ(parse_person_salt("0000000000000000000000000000000g").error().reason,
            "person_salt_malformed");
}

}  // namespace
}  // namespace faceforge::crops
