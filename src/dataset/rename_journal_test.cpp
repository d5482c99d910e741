#include "dataset/internal/rename_journal.h"

#include <gtest/gtest.h>

namespace faceforge::dataset {
namespace {

const std::string kToken = "0123456789abcdef";

RenameJournal journal_of(const std::string& folder, const std::string& from,
                         const std::string& to) {
  return {.direction = RenameDirection::Undo,
          .number = 7,
          .token = kToken,
          .folders = {
              {.folder = folder, .moves = {{from, to, {.size_bytes = 12, .modified_ns = -3}}}}}};
}

TEST(RenameJournal, ComesBackAsItWasWrittenWhateverBytesItsNamesHave) {
  const auto read = parse_rename_journal(to_bytes(journal_of("\xFF\n", "a\\\"b.jpg", "\x01.jpg")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->direction, RenameDirection::Undo);
  EXPECT_EQ(read->number, 7U);
  EXPECT_EQ(read->token, kToken);
  ASSERT_EQ(read->folders.size(), 1U);
  EXPECT_EQ(read->folders[0].folder, "\xFF\n");
  ASSERT_EQ(read->folders[0].moves.size(), 1U);
  EXPECT_EQ(read->folders[0].moves[0].from, "a\\\"b.jpg");
  EXPECT_EQ(read->folders[0].moves[0].to, "\x01.jpg");
  EXPECT_EQ(read->folders[0].moves[0].mark, (FileMark{.size_bytes = 12, .modified_ns = -3}));
}

TEST(RenameJournal, NamesThatLeadOutOfTheFolderAreRefused) {
  for (const char* name : {"..", ".", "", "../b", "/etc", "a/b"}) {
    for (const auto& journal :
         {journal_of(name, "a", "b"), journal_of("A", name, "b"), journal_of("A", "a", name)}) {
      const auto read = parse_rename_journal(to_bytes(journal));
      ASSERT_FALSE(read) << name;
      EXPECT_EQ(read.error().reason, "rename_journal_damaged");
    }
  }
  RenameJournal journal = journal_of("A", "a", "b");
  journal.token = "../../../../etc/";
  EXPECT_FALSE(parse_rename_journal(to_bytes(journal)));
}

TEST(RenameJournal, NamesOfFileSystemsThatCountInUtf16ComeBack) {
  std::string name;
  for (int i = 0; i < 251; ++i) name += "\u4eba";  // three bytes each: 753, in 251 units
  const auto read = parse_rename_journal(to_bytes(journal_of(name, name + ".jpg", "a")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->folders[0].moves[0].from, name + ".jpg");
}

TEST(RenameJournal, WhatIsCutOrGoesOnIsRefused) {
  const std::string bytes = to_bytes(journal_of("A", "a", "b"));
  ASSERT_TRUE(parse_rename_journal(bytes));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(parse_rename_journal(bytes.substr(0, length))) << length;
  }
  EXPECT_FALSE(parse_rename_journal(bytes + "x"));
}

TEST(RenameJournal, ANameInBetweenIsHiddenAndKeepsTheEndingSoThatItIsKnownAsAPhoto) {
  const RenameJournal journal = journal_of("A", "a.JPG", "A_1.jpg");
  const std::string name = name_between(journal, 5, journal.folders[0].moves[0]);
  EXPECT_EQ(name, ".faceforge-rename-" + kToken + "-5.jpg");
  EXPECT_TRUE(is_name_between(name));
  EXPECT_FALSE(is_name_between(".faceforge-rename"));
  EXPECT_FALSE(is_name_between(".hidden.jpg"));
}

}  // namespace
}  // namespace faceforge::dataset
