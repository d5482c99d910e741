#include "base/unicode.h"

#include <string>

#include <gtest/gtest.h>

namespace faceforge {
namespace {

using namespace std::string_literals;

TEST(Unicode, WellFormedTextIsToldFromBroken) {
  for (const auto& good : {""s, "a"s, "é"s, "漢"s, "😀"s, "a\0b"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  // A lone continuation, a cut character, an overlong slash, a surrogate, beyond the last
  // character.
  for (const auto& bad : {"\x80"s, "\xc3"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_FALSE(to_code_points(bad).has_value());
    EXPECT_EQ(to_nfc(bad).error().reason, "text_not_utf8");
    EXPECT_EQ(to_nfkc(bad).error().reason, "text_not_utf8");
    EXPECT_EQ(fold_case(bad).error().reason, "text_not_utf8");
  }
  EXPECT_EQ(to_code_points("a😀")->size(), 2U);
}

TEST(Unicode, ForeignBytesBecomeValidUtf8) {
  EXPECT_EQ(to_valid_utf8("Zo\u00eb 😀"), "Zo\u00eb 😀");
  EXPECT_EQ(to_valid_utf8("a\xff b"), "a\uFFFD b");
  EXPECT_EQ(to_valid_utf8("\xc0\xaf"), "\uFFFD\uFFFD");          // overlong slash
  EXPECT_FALSE(to_valid_utf8("\xed\xa0\x80").contains('\xed'));  // a surrogate
  EXPECT_EQ(to_valid_utf8("cut \xe2\x82"), "cut \uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8(""), "");
}

TEST(Unicode, TheSameLetterWrittenTwoWaysBecomesOne) {
  EXPECT_EQ(to_nfc("e\u0301").value(), "\u00e9");
  EXPECT_EQ(to_nfc("\ufb01").value(), "\ufb01");
  EXPECT_EQ(to_nfkc("\ufb01").value(), "fi");
}

TEST(Unicode, FoldingForgetsCaseWidthAndInvisibleCharacters) {
  EXPECT_EQ(fold_case("STRASSE").value(), fold_case("straße").value());
  EXPECT_EQ(fold_case("ＢＯＢ").value(), "bob");
  EXPECT_EQ(fold_case("b\u200bob").value(), "bob");
  EXPECT_EQ(fold_case("ΌΣΟΣ").value(), fold_case("όσος").value());
}

TEST(Unicode, SearchingForgetsAccentsToo) {
  EXPECT_EQ(fold_for_search("Zoë ÅNGSTRÖM").value(), "zoe angstrom");
  EXPECT_EQ(fold_for_search("Zoe\u0308").value(), "zoe");
  EXPECT_EQ(fold_for_search("Straße").value(), "strasse");
  EXPECT_EQ(fold_for_search("漢字 😀").value(), "漢字 😀");
  EXPECT_EQ(fold_for_search("\xff").error().reason, "text_not_utf8");
}

TEST(Unicode, CharactersHaveKinds) {
  EXPECT_EQ(kind_of(U'ж'), CharacterKind::Letter);
  EXPECT_EQ(kind_of(U'漢'), CharacterKind::Letter);
  EXPECT_EQ(kind_of(U'\u0301'), CharacterKind::Mark);
  EXPECT_EQ(kind_of(U'٣'), CharacterKind::Digit);
  EXPECT_EQ(kind_of(U'\n'), CharacterKind::Control);
  EXPECT_EQ(kind_of(U'😀'), CharacterKind::Other);
}

}  // namespace
}  // namespace faceforge
