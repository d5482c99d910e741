#include "packs/promotion.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "packs/internal/packs_lock.h"
#include "packs/internal/tiny_pack.h"
#include "packs/registry.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

class PromotionTest : public testing::Test {
 protected:
  Card install(const std::string& id, double accuracy, LicenceKind licence, float weight) {
    return test_support::write_tiny_pack(
        packs_ / id, {.id = id, .licence_kind = licence, .accuracy = accuracy, .weight = weight});
  }
  [[nodiscard]] std::string default_id() const {
    const auto pack = registry_.default_pack();
    return pack ? pack->card.id : pack.error().reason;
  }
  Result<void> promoted(const Card& card) {
    return promote(packs_, {.pack_id = card.id, .model_id = *model_id(card), .against = "best"});
  }

  test::TemporaryFolder folder_;
  fs::path packs_ = folder_.path() / "packs";
  Registry registry_{{.packs_folder = packs_}};
  Card best_ = install("best", 0.99, LicenceKind::Permissive, 0.01F);
  Card own_ = install("own", 0.5, LicenceKind::NonCommercial, 0.02F);
};

TEST_F(PromotionTest, TheLastOneIsTheDefaultWhateverItsRank) {
  EXPECT_EQ(default_id(), "best");
  ASSERT_TRUE(promoted(own_));
  EXPECT_EQ(default_id(), "own");
  EXPECT_EQ(registry_.open("")->pack_id, "own");
  const std::vector<PackEntry> listed = registry_.list().value();
  const auto place = [&](const std::string& id) {
    return std::ranges::find_if(listed, [&](const PackEntry& one) { return one.card.id == id; });
  };
  EXPECT_LT(place("best"), place("own")) << "ranks are what they were";
  EXPECT_EQ(place("best")->default_mark, DefaultMark::Other);
}

TEST_F(PromotionTest, IsTakenBack) {
  const Card second = install("second", 0.4, LicenceKind::Permissive, 0.03F);
  ASSERT_TRUE(promoted(own_));
  ASSERT_TRUE(promoted(second));
  EXPECT_EQ(default_id(), "second");
  EXPECT_EQ(undo_promotion(packs_)->pack_id, "second");
  EXPECT_EQ(default_id(), "own");
  EXPECT_EQ(undo_promotion(packs_)->pack_id, "own");
  EXPECT_EQ(default_id(), "best");
  EXPECT_EQ(undo_promotion(packs_).error().reason, "nothing_promoted");
}

TEST_F(PromotionTest, OfAPackThatIsGoneOrAnotherModelCountsNoMore) {
  ASSERT_TRUE(promoted(own_));
  fs::remove_all(packs_ / "own");
  EXPECT_EQ(default_id(), "best");
  install("own", 0.5, LicenceKind::NonCommercial, 0.5F);
  EXPECT_EQ(default_id(), "best") << "the same id, other weights";
}

TEST_F(PromotionTest, OnlyTheLastTwentyAreRemembered) {
  for (size_t time = 0; time < kMaxPromotions + 3; ++time) ASSERT_TRUE(promoted(own_));
  EXPECT_EQ(read_promotions(packs_)->size(), kMaxPromotions);
}

TEST_F(PromotionTest, ADamagedFileIsTold) {
  ASSERT_TRUE(promoted(own_));
  for (const char* text : {"{", "{}", "[1]", "[{\"pack\":\"own\"}]"}) {
    std::ofstream(packs_ / ".promoted.json") << text;
    EXPECT_EQ(default_id(), "promotions_damaged") << text;
  }
  fs::remove(packs_ / ".promoted.json");
  EXPECT_EQ(default_id(), "best");
}

TEST_F(PromotionTest, IsRefusedWhileAnotherChangesThePacks) {
  const auto lock = PacksLock::take(packs_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(promoted(own_).error().reason, "install_in_progress");
}

}  // namespace
}  // namespace faceforge::packs
