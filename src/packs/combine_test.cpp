#include "packs/combine.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packs/internal/tiny_pack.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test_support::KnownHashes;
using test_support::write_tiny_pack;
using testing::HasSubstr;

class Combine : public testing::Test {
 protected:
  PackEntry entry(const std::string& id, float weight,
                  LicenceKind licence = LicenceKind::Permissive) {
    const fs::path folder = folder_.path() / id;
    const Card card = write_tiny_pack(folder, {.id = id, .licence_kind = licence, .weight = weight},
                                      KnownHashes::All);
    return {.card = card, .state = PackState::Installed, .folder = folder};
  }

  test::TemporaryFolder folder_;
  const std::vector<EmbedderFit> fits_{{{}, 0.5F}, {std::vector<float>(8, 0.25F), 2}};
};

TEST_F(Combine, TheNewPackHasBothEmbeddersWithTheirFits) {
  const auto plan = plan_combination(entry("a", 0.01F), entry("b", 0.02F), "both");
  ASSERT_TRUE(plan) << plan.error().message;
  const fs::path folder = folder_.path() / "both";
  const auto card = write_combination(*plan, fits_, face::Metric::L2, folder);
  ASSERT_TRUE(card) << card.error().message;
  const Card read = read_card(folder).value();
  EXPECT_EQ(read.id, "both");
  EXPECT_EQ(read.metric, face::Metric::L2);
  ASSERT_EQ(read.embedders.size(), 2U);
  EXPECT_EQ(read.embedders[0].weight, 0.5F);
  EXPECT_EQ(read.embedders[1].output_mean.at(7), 0.25F);
  EXPECT_NE(read.embedders[0].file, read.embedders[1].file);  // both are nets/embedder.onnx at home
  EXPECT_TRUE(fs::exists(folder / read.embedders[1].file));
  EXPECT_FALSE(read.calibration);
  EXPECT_FALSE(read.measured_accuracy);
}

TEST_F(Combine, OneNetworkUnderTwoNamesIsKeptOnce) {
  const auto plan = plan_combination(entry("a", 0.01F), entry("b", 0.01F), "both").value();
  EXPECT_EQ(plan.card.files.size(), 3U);
  EXPECT_EQ(plan.card.embedders[0].file, plan.card.embedders[1].file);
}

TEST_F(Combine, ANonCommercialHalfMakesTheWholeNonCommercial) {
  const auto plan =
      plan_combination(entry("a", 0.01F), entry("b", 0.02F, LicenceKind::NonCommercial), "both");
  EXPECT_EQ(plan.value().card.licence.kind, LicenceKind::NonCommercial);
}

TEST_F(Combine, AFolderThatExistsIsLeftAlone) {
  const auto plan = plan_combination(entry("a", 0.01F), entry("b", 0.02F), "both").value();
  fs::create_directory(folder_.path() / "both");
  const auto refused = write_combination(plan, fits_, face::Metric::L2, folder_.path() / "both");
  EXPECT_EQ(refused.error().reason, "folder_exists");
  EXPECT_TRUE(fs::is_empty(folder_.path() / "both"));
}

TEST_F(Combine, NothingIsLeftBehindWhenANetworkCannotBeCopied) {
  const PackEntry second = entry("b", 0.02F);
  const auto plan = plan_combination(entry("a", 0.01F), second, "both").value();
  fs::remove(second.folder / "nets/embedder.onnx");
  EXPECT_FALSE(write_combination(plan, fits_, face::Metric::L2, folder_.path() / "both"));
  for (const auto& left : fs::directory_iterator(folder_.path())) {
    EXPECT_THAT(left.path().filename().string(), testing::AnyOf("a", "b"));
  }
}

TEST_F(Combine, APackThatIsNotHereOrAnIdThatIsNoneIsRefused) {
  PackEntry away = entry("b", 0.02F);
  away.state = PackState::NotInstalled;
  EXPECT_EQ(plan_combination(entry("a", 0.01F), away, "both").error().reason, "pack_not_installed");
  const auto refused = plan_combination(entry("a", 0.01F), entry("b", 0.02F), "Not An Id");
  EXPECT_EQ(refused.error().reason, "card_invalid");
  EXPECT_THAT(refused.error().message, HasSubstr("id"));
}

TEST_F(Combine, AnAlignmentByPointsThatTheFirstDoesNotFindIsRefused) {
  PackEntry blind = entry("a", 0.01F);
  blind.card.contour.reset();
  std::erase_if(blind.card.files,
                [](const PackFile& file) { return file.path == "nets/contour.onnx"; });
  PackEntry second = entry("b", 0.02F);
  second.card.embedders[0].landmark_template.name = "three";
  second.card.embedders[0].landmark_template.points.resize(3);
  second.card.embedders[0].landmark_template.contour_indices = {30, 36, 45};
  EXPECT_EQ(plan_combination(blind, second, "both").error().reason, "landmarks_differ");
}

}  // namespace
}  // namespace faceforge::packs
