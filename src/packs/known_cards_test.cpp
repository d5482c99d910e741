#include "packs/known_cards.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = test::source_folder() / "models";

TEST(KnownCards, AreAllThoseOfTheModelsFolder) {
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(kModels)) {
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  }
  std::set<std::string> ids;
  for (const Card& card : known_cards()) ids.insert(card.id);
  EXPECT_EQ(ids, folders);
}

TEST(KnownCards, AreWrittenAsWeWriteCards) {
  // So that `evaluate calibrate --write-card` changes the calibration and nothing else.
  for (const Card& card : known_cards()) {
    const auto text = read_text_file(kModels / card.id / "card.json", 1 << 20);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, to_text(card)) << card.id;
  }
}

TEST(KnownCards, StandInTheDocumentationWithTheAccuracyOfTheirCard) {
  const auto text = read_text_file(test::source_folder() / "docs" / "packs.md", 1 << 20);
  ASSERT_TRUE(text);
  for (const Card& card : known_cards()) {
    const size_t begin = text->find(fmt::format("`{}`", card.id));
    ASSERT_NE(begin, std::string::npos) << card.id;
    const std::string line = text->substr(begin, text->find('\n', begin) - begin);
    EXPECT_THAT(line,
                ::testing::HasSubstr(card.measured_accuracy
                                         ? fmt::format("{:.4f}", card.measured_accuracy->accuracy)
                                         : "unmeasured"))
        << card.id;
  }
}

TEST(KnownCards, ThatCanBeDownloadedKnowTheSha256OfTheZipAndOfEveryFile) {
  for (const Card& card : known_cards()) {
    if (card.source.kind != SourceKind::Url) continue;
    EXPECT_TRUE(card.source.sha256) << card.id;
    EXPECT_TRUE(model_id(card)) << card.id;
    EXPECT_EQ(card.licence.kind, LicenceKind::NonCommercial) << card.id;
  }
}

TEST(KnownCards, OfPacksWithTheSameEmbedderShareAModelId) {
  const auto id = [](const char* pack) { return model_id(*find_known_card(pack)); };
  EXPECT_EQ(id("retinaface-mbf"), id("yunet-mbf"));
  EXPECT_EQ(id("scrfd-mbf"), id("scrfd500-mbf"));
  EXPECT_EQ(id("buffalo_l"), id("buffalo_m"));
  EXPECT_EQ(id("buffalo_s"), id("buffalo_sc"));
  EXPECT_NE(id("scrfd-mbf"), id("buffalo_sc"));  // decoded from int8: other weights
  EXPECT_NE(id("scrfd-mbf"), id("retinaface-mbf"));
}

TEST(KnownCards, AnUnknownIdHasNone) {
  EXPECT_EQ(find_known_card("buffalo"), nullptr);
}

/// Two small packs whose hashes are those of the texts "one" and "two", made with sha256sum.
std::vector<Card> two_cards() {
  const auto card = [](const char* id, const char* hash) {
    return Card{.id = id,
                .files = {{.path = "a.onnx", .sha256 = std::nullopt, .size_bytes = 3},
                          {.path = "b.onnx", .sha256 = hash}}};
  };
  return {card("first", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"),
          card("second", "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3")};
}

void write(const fs::path& path, std::string_view text) {
  ASSERT_TRUE(write_file_atomically(path, text));
}

TEST(Recognize, AFolderIsKnownByTheHashesOfItsFiles) {
  const test::TemporaryFolder folder;
  write(folder.path() / "a.onnx", "any");
  write(folder.path() / "b.onnx", "two");
  const auto found = recognize(folder.path(), two_cards());
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->id, "second");
  // What the card did not know is recorded: sha256sum of "any".
  EXPECT_EQ((*found)->files[0].sha256,
            "d6a7cd2a7371b1a15d543196979ff74fdb027023ebf187d5d329be11055c77fd");
  EXPECT_EQ((*found)->files[1].size_bytes, 3);
}

TEST(Recognize, AFolderWithOtherSizesContentsOrNamesIsUnknown) {
  const test::TemporaryFolder folder;
  write(folder.path() / "a.onnx", "any");
  write(folder.path() / "b.onnx", "three");
  EXPECT_FALSE(recognize(folder.path(), two_cards()).value().has_value());
  write(folder.path() / "b.onnx", "two");
  write(folder.path() / "a.onnx", "longer than three");
  EXPECT_FALSE(recognize(folder.path(), two_cards()).value().has_value());
  fs::remove(folder.path() / "a.onnx");
  EXPECT_FALSE(recognize(folder.path(), two_cards()).value().has_value());
}

TEST(Recognize, EveryPackOfTheTestDataIsKnown) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const char* id : {"retinaface-mbf", "yunet-mbf", "scrfd-mbf", "scrfd500-mbf"}) {
    const auto found = recognize(data / "packs" / id);
    ASSERT_TRUE(found && *found) << id;
    EXPECT_EQ((*found)->id, id);
  }
}

}  // namespace

}  // namespace faceforge::packs
