#include "gallery/name.h"

#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

std::string reason_of(std::string_view text) {
  const auto name = checked_name(text);
  return name ? "accepted" : name.error().reason;
}

TEST(Name, SlashesQuotesEmojiAndAnyScriptAreWelcome) {
  for (const std::string_view text : {"Ada", "a/b\\c", "Robert'); DROP TABLE people;--",
                                      "\"quoted\"", "👩‍🔬", "李小龙", "../..", "%s"}) {
    EXPECT_EQ(*checked_name(text), text);
  }
}

TEST(Name, SurroundingWhiteSpaceGoesAndInnerStays) {
  EXPECT_EQ(*checked_name(" \t\u00A0Ada  Lovelace\u3000\n"), "Ada  Lovelace");
}

TEST(Name, BothWaysOfWritingAnAccentAreOneName) {
  EXPECT_EQ(*checked_name("Zoe\u0301"), "Zo\u00E9");
  EXPECT_EQ(*checked_name("Zo\u00E9"), "Zo\u00E9");
}

TEST(Name, TwoHundredCharactersAreTheLimitHoweverManyBytesTheyTake) {
  std::string longest;
  for (int character = 0; character < kMaxNameCharacters; ++character) longest += "😀";
  EXPECT_EQ(reason_of(longest), "accepted");
  EXPECT_EQ(reason_of(longest + "x"), "name_too_long");
  EXPECT_EQ(reason_of(std::string(300, 'x')), "name_too_long");
  EXPECT_EQ(reason_of(std::string(1'000'000, 'x')), "name_too_long");
  const auto refused = checked_name(std::string(300, 'x'));
  EXPECT_EQ(refused.error().message, "the name has 300 characters; the limit is 200");
}

TEST(Name, NothingAndWhiteSpaceAloneAreEmpty) {
  EXPECT_EQ(reason_of(""), "name_empty");
  EXPECT_EQ(reason_of(" \r\n\t "), "name_empty");
}

TEST(Name, NulLineBreaksAndOtherControlCharactersAreRefused) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"a\0b"sv, "\0"sv, "a\nb"sv, "a\x7Fz"sv, "a\u2028z"sv, "a\u0085z"sv}) {
    EXPECT_EQ(reason_of(text), "name_control_character");
  }
}

TEST(Name, BytesThatAreNotUtf8AreRefused) {
  EXPECT_EQ(reason_of("\xFF"), "name_not_utf8");
  EXPECT_EQ(reason_of("a\xC3"), "name_not_utf8");
  EXPECT_EQ(reason_of("\xED\xA0\x80"), "name_not_utf8");  // half of a surrogate pair
}

TEST(ShownFileName, IsTheNameWithoutFoldersOrOneOfTheContent) {
  const std::string abc = "abc";
  const auto file = std::as_bytes(std::span(abc));
  EXPECT_EQ(shown_file_name("C:\\photos/ann 1.jpg", file), "ann 1.jpg");
  // SHA-256 of "abc" begins so (FIPS 180-4).
  for (const char* no_name : {"", "folder/", "caf\xe9.jpg", "a\nb.jpg"}) {
    EXPECT_EQ(shown_file_name(no_name, file), "photo-ba7816bf") << no_name;
  }
}

}  // namespace
}  // namespace faceforge::gallery
