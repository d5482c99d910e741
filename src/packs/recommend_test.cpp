#include "packs/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "packs/known_cards.h"

namespace faceforge::packs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

PackEntry entry(const char* id, double accuracy, PackState state,
                LicenceKind licence = LicenceKind::Permissive,
                SourceKind source = SourceKind::None) {
  PackEntry made{.card = {.id = id, .name = id}, .state = state};
  made.card.licence.kind = licence;
  made.card.licence.label = licence == LicenceKind::Permissive ? "MIT" : "research";
  made.card.source.kind = source;
  made.card.measured_accuracy = MeasuredAccuracy{.protocol = "made up", .accuracy = accuracy};
  return made;
}

using enum PackState;

TEST(Recommend, APermissivePackWithHalfTheErrorsIsSuggestedWithTheBestDownloadBehindIt) {
  std::vector<PackEntry> entries = {
      entry("here", 0.99, Installed), entry("better", 0.995, NotInstalled),
      entry("best", 0.998, NotInstalled, LicenceKind::NonCommercial, SourceKind::Url),
      entry("bound", 0.9985, NotInstalled, LicenceKind::NonCommercial)};
  const auto made = recommend(entries, "here");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->in_use, "here");
  EXPECT_THAT(made->summary, AllOf(HasSubstr("here, judges 10.0 in 1,000"), HasSubstr("better"),
                                   HasSubstr(" 5.0")));
  ASSERT_EQ(made->suggestions.size(), 2U);
  EXPECT_EQ(made->suggestions[0].card.id, "better");
  EXPECT_EQ(made->suggestions[0].command, "faceforge packs install DIR");
  EXPECT_EQ(made->suggestions[1].command, "faceforge packs install best");
  EXPECT_THAT(made->suggestions[1].note,
              AllOf(HasSubstr("non-commercial"), HasSubstr("calibrated")));
}

TEST(Recommend, NothingIsSaidWhereItWouldBeOfNoUse) {
  const PackEntry here = entry("here", 0.99, Installed);
  const auto with = [&](const PackEntry& other) {
    const std::vector<PackEntry> entries = {here, other};
    return recommend(entries, "here").has_value();
  };
  EXPECT_TRUE(with(entry("other", 0.994, NotInstalled)));
  EXPECT_FALSE(with(entry("other", 0.993, NotInstalled))) << "hardly better";
  EXPECT_FALSE(with(entry("other", 0.999, NotInstalled, LicenceKind::NonCommercial)));
  EXPECT_FALSE(with(entry("other", 0.999, Installed))) << "someone chose the other one";
  PackEntry damaged = entry("other", 0.999, Installed);
  damaged.fault = Error{ErrorCode::Corrupt, "pack_file_size", ""};
  EXPECT_FALSE(with(damaged)) << "it is known no more as one that is not here";
  PackEntry unmeasured = entry("other", 0.5, NotInstalled);
  unmeasured.card.measured_accuracy.reset();
  EXPECT_FALSE(with(unmeasured));
  EXPECT_FALSE(recommend(std::vector{unmeasured, entry("better", 0.99, NotInstalled)}, "other"));
  EXPECT_FALSE(recommend(std::vector{here}, "gone"));
}

TEST(Recommend, WhereOnlyTheNpmPackIsKnownCardsSuggestAPackOf512Numbers) {
  std::vector<PackEntry> entries;
  for (const Card& card : known_cards()) {
    entries.push_back({.card = card, .state = card.id == "faceapi" ? Installed : NotInstalled});
  }
  const auto made = recommend(entries, "faceapi");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->suggestions.front().card.licence.kind, LicenceKind::Permissive);
  EXPECT_EQ(vision::embedding_length(made->suggestions.front().card.embedders), 512);
  ASSERT_EQ(made->suggestions.size(), 2U);
  EXPECT_EQ(made->suggestions.back().card.source.kind, SourceKind::Url);
  // Whoever has one of them is left alone.
  const std::string better = made->suggestions.front().card.id;
  EXPECT_FALSE(recommend(entries, better));
}

}  // namespace
}  // namespace faceforge::packs
