#include "accounts/names_and_passwords.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::accounts {
namespace {

using namespace std::string_literals;

std::string reason_of_name(std::string_view text) {
  const auto name = parse_user_name(text);
  return name ? "" : name.error().reason;
}

std::string reason_of_password(std::string_view text, std::string_view name = "grace.hopper") {
  const auto accepted = accept_new_password(text, parse_user_name(name).value());
  if (accepted) return "";
  EXPECT_EQ(accepted.error().code, ErrorCode::InvalidInput);
  EXPECT_TRUE(text.empty() || text == "password" ||
              accepted.error().message.find(text) == std::string::npos)
      << "the message must not hold the password";
  return accepted.error().reason;
}

TEST(UserName, LettersAndDigitsOfAnyScriptAndFourSignsAreAllowed) {
  for (const auto* text : {"ada", "ada.lovelace@example.org", "A_1-2", "Ада", "李小龙", "José",
                           "कमला", "o\u0301scar"}) {
    EXPECT_EQ(reason_of_name(text), "") << text;
  }
}

TEST(UserName, OtherCharactersAreNamedInTheError) {
  for (const auto& text :
       {"a b c"s, "a/b/c"s, "abc😀"s, "abc'"s, "ab\0c"s, "abc\n"s, "a\u200bbc"s}) {
    EXPECT_EQ(reason_of_name(text), "user_name_characters") << text;
  }
  EXPECT_THAT(parse_user_name("ab/c").error().message, testing::EndsWith("not of \"/\""));
  EXPECT_THAT(parse_user_name("a bc").error().message, testing::EndsWith("not of spaces"));
  EXPECT_THAT(parse_user_name("a\u200bbc").error().message,
              testing::EndsWith("not of other signs (U+200B)"));
  EXPECT_EQ(reason_of_name("ab\xff"), "user_name_not_utf8");
}

TEST(UserName, ThreeToSixtyFourCharactersAreAllowed) {
  EXPECT_EQ(reason_of_name(""), "user_name_length");
  EXPECT_EQ(reason_of_name("ab"), "user_name_length");
  EXPECT_EQ(reason_of_name("abc"), "");
  EXPECT_EQ(reason_of_name(std::string(64, 'a')), "");
  EXPECT_EQ(reason_of_name(std::string(65, 'a')), "user_name_length");
  EXPECT_EQ(reason_of_name(std::string(1 << 20, 'a')), "user_name_length");
  std::string chinese;
  for (int count = 0; count < 64; ++count) chinese += "漢";
  EXPECT_EQ(reason_of_name(chinese), "") << "characters count, not bytes";
}

TEST(UserName, NamesThatLookEqualAreEqual) {
  const auto folded = [](const char* text) { return parse_user_name(text)->folded; };
  EXPECT_EQ(folded("ADA"), folded("ada"));
  EXPECT_EQ(folded("Straße"), folded("STRASSE"));
  EXPECT_EQ(folded("Jose\u0301"), folded("jos\u00e9"));
  EXPECT_EQ(folded("ＡＤＡ"), folded("ada"));
  EXPECT_NE(folded("ada"), folded("ado"));
  EXPECT_EQ(parse_user_name("Jose\u0301")->shown, "Jos\u00e9");
}

TEST(Password, EightTo256CharactersAreAllowed) {
  EXPECT_EQ(reason_of_password("qzj4wkp"), "password_too_short");
  EXPECT_EQ(reason_of_password("qzj4wkpv"), "");
  EXPECT_EQ(reason_of_password(""), "password_too_short");
  std::string longest;
  for (int count = 0; count < 256; ++count) longest += "é";
  EXPECT_EQ(reason_of_password(longest), "");
  EXPECT_EQ(reason_of_password(longest + "é"), "password_too_long");
  EXPECT_EQ(reason_of_password(std::string(1 << 20, 'x')), "password_too_long");
  EXPECT_EQ(normalize_password(std::string(257, 'x')).error().reason, "password_too_long");
}

TEST(Password, OneThatIsTooLongIsToldWithItsLengthAndTheLimit) {
  EXPECT_THAT(normalize_password(std::string(257, 'x')).error().message,
              testing::HasSubstr("at most 256 characters, not 257"));
  EXPECT_THAT(normalize_password(std::string(1 << 20, 'x')).error().message,
              testing::HasSubstr("at most 256 characters, not 1048576"));
  // One character of this form stands for eighteen.
  std::string ligatures;
  for (int count = 0; count < 15; ++count) ligatures += "\uFDFA";
  EXPECT_THAT(normalize_password(ligatures).error().message, testing::HasSubstr("not 270"));
}

TEST(Password, NoneIsEverCut) {
  const std::string password(256, 'x');
  EXPECT_EQ(normalize_password(password).value().text(), password);
  const std::string with_nul("eight\0characters", 16);
  EXPECT_EQ(accept_new_password(with_nul, parse_user_name("ada").value()).value().text(), with_nul);
}

TEST(Password, CommonOnesAreRefusedInAnyCase) {
  for (const auto* text :
       {"password", "Password", "PASSWORD1", "12345678", "qwertyuiop", "iloveyou", "trustno1"}) {
    EXPECT_EQ(reason_of_password(text), "password_common") << text;
  }
  EXPECT_EQ(reason_of_password("password\n12345678"), "") << "two of them are none of them";
  EXPECT_EQ(reason_of_password("correct horse battery staple"), "");
}

TEST(Password, TheUsersNameIsRefused) {
  EXPECT_EQ(reason_of_password("Grace.Hopper"), "password_is_name");
}

TEST(Password, WhatIsNotUtf8IsRefused) {
  EXPECT_EQ(reason_of_password("long enough \xff"), "password_not_utf8");
  EXPECT_EQ(normalize_password("\xff").error().reason, "password_not_utf8");
}

TEST(Password, TheSameKeysOnAnotherSystemGiveTheSamePassword) {
  EXPECT_EQ(normalize_password("pa\u0308sswort").value().text(),
            normalize_password("p\u00e4sswort").value().text());
}

}  // namespace
}  // namespace faceforge::accounts
