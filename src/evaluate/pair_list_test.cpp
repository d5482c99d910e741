#include "evaluate/pair_list.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

constexpr std::string_view kTwoFolds =
    "2\t1\n"
    "Ann\t1\t2\n"
    "Ann\t1\tBob\t3\n"
    "Carol Ann\t4\t1\n"
    "Carol Ann\t4\tDan\t12\n";

std::string reason_of(std::string_view text) {
  const auto list = parse_pair_list(text);
  return list ? "accepted" : list.error().reason;
}

std::string message_of(std::string_view text) {
  const auto list = parse_pair_list(text);
  return list ? "accepted" : list.error().message;
}

TEST(PairList, GenuineAndImpostorPairsAreReadFoldByFold) {
  const PairList list = parse_pair_list(kTwoFolds).value();
  EXPECT_EQ(list.fold_count, 2);
  ASSERT_EQ(list.pairs.size(), 4);
  EXPECT_EQ(list.pairs[0].kind, PairKind::Genuine);
  EXPECT_EQ(list.pairs[0].first, (PhotoName{"Ann", 1}));
  EXPECT_EQ(list.pairs[0].second, (PhotoName{"Ann", 2}));
  EXPECT_EQ(list.pairs[1].kind, PairKind::Impostor);
  EXPECT_EQ(list.pairs[1].second, (PhotoName{"Bob", 3}));
  EXPECT_EQ(list.pairs[3].fold_index, 1);
  EXPECT_EQ(list.pairs[3].first.person, "Carol Ann");
  EXPECT_EQ(people_of(list), (std::set<std::string>{"Ann", "Bob", "Carol Ann", "Dan"}));
}

TEST(PairList, SpacesCarriageReturnsAndEmptyLinesAtTheEndAreAccepted) {
  const auto list = parse_pair_list("1 1\r\nAnn  1 2\r\nAnn 1 Bob 3\r\n\r\n\n").value();
  ASSERT_EQ(list.pairs.size(), 2);
  EXPECT_EQ(list.pairs[1].second, (PhotoName{"Bob", 3}));
}

TEST(PairList, TheLineOfAMistakeIsNamed) {
  EXPECT_EQ(message_of(""),
            "line 0: the first line must hold two numbers: folds, and pairs of "
            "each kind");
  EXPECT_TRUE(message_of("2\tx\n").starts_with("line 1: `x` is no number of pairs"));
  EXPECT_TRUE(message_of("0\t1\n").starts_with("line 1: `0` is no number of folds"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\n").starts_with("line 2: 2 words"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\t2\nAnn\t1\t3\n").starts_with("line 3: 3 words"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\t0\n").starts_with("line 2: `0` is no photo number"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\t2.5\n").starts_with("line 2: `2.5` is no photo number"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\t2\nAnn\t1\tAnn\t2\n")
                  .starts_with("line 3: an impostor pair of one and the same person"));
  EXPECT_TRUE(message_of("1\t1\nAnn\t1\t2\n").starts_with("line 2: the list ends in fold 1"));
  EXPECT_TRUE(message_of("1\t1\nA\t1\t2\nA\t1\tB\t2\nC\t1\t2\n").starts_with("line 4: more lines"));
  EXPECT_EQ(reason_of("1\t1\nAnn\t1\t2\n"), "pair_list_malformed");
}

TEST(PairList, ANameThatLeadsOutOfTheFolderIsRefused) {
  for (const std::string name : {"..", ".", "a/b", "/etc", ""}) {
    EXPECT_EQ(reason_of("1\t1\n" + name + "\t1\t2\nAnn\t1\tBob\t1\n"), "pair_list_malformed")
        << name;
  }
  EXPECT_EQ(reason_of("1\t1\n" + std::string(201, 'a') + "\t1\t2\n"), "pair_list_malformed");
  const std::string with_nul = std::string("1\t1\nA") + '\0' + "b\t1\t2\nAnn\t1\tBob\t1\n";
  EXPECT_EQ(reason_of(with_nul), "pair_list_malformed");
}

TEST(PairList, MorePairsThanTheLimitAreRefusedBeforeAnyIsRead) {
  EXPECT_EQ(reason_of("10\t50001\n"), "pair_list_malformed");
  EXPECT_EQ(parse_pair_list(kTwoFolds, {.file_bytes = 10}).error().reason, "pair_list_too_large");
}

TEST(PairList, AFileThatIsNotThereIsNotFound) {
  EXPECT_EQ(read_pair_list("/nowhere/pairs.txt").error().code, ErrorCode::NotFound);
}

TEST(PairList, AMistakeInAFileIsToldWithTheFile) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "mine.txt";
  std::ofstream(file) << "1\t1\nAnn\n";
  EXPECT_EQ(read_pair_list(file).error().message.substr(0, file.string().size() + 9),
            file.string() + ": line 2:");
}

TEST(PairList, PhotosAreFoundByPersonAndNumberInAnyKindOfImage) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "Ann");
  std::ofstream(folder.path() / "Ann" / "Ann_0012.png") << "x";
  EXPECT_EQ(photo_file(folder.path(), {"Ann", 12}).value(), folder.path() / "Ann" / "Ann_0012.png");
  EXPECT_EQ(photo_file(folder.path(), {"Ann", 13}).error().reason, "photo_missing");
}

TEST(PairList, TheOfficialListOfLfwHasSixThousandPairsOf4281People) {
  SKIP_WITHOUT_TEST_DATA(data);
  const PairList list = read_pair_list(data / "lfw-pairs.txt").value();
  EXPECT_EQ(list.fold_count, 10);
  EXPECT_EQ(list.pairs.size(), 6000);
  EXPECT_EQ(people_of(list).size(), 4281);
  for (const Pair& pair : list.pairs) {
    EXPECT_TRUE(photo_file(data / "lfw", pair.first).has_value()) << pair.first.person;
    EXPECT_TRUE(photo_file(data / "lfw", pair.second).has_value()) << pair.second.person;
  }
}

}  // namespace
}  // namespace faceforge::evaluate
