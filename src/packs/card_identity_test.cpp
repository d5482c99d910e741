// What a card stands for: its model, what is loaded, and its file.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "packs/card.h"
#include "packs/internal/card_test_cards.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ModelId, IsTheSha256OfWeightsAndCanonicalPreprocessing) {
  // Made with Python: sha256 of "faceforge-model-1\n" + 64 b + "\n" + the canonical JSON + "\n".
  const Card card = parsed(plain_card());
  EXPECT_EQ(model_id(card)->hex(),
            "285f3dce806ae1231c1e4b1254f9654eda89c553868bbe2c00faa0be54114caa");
}

TEST(ModelId, ChangesWithEverythingThatMovesEmbeddings) {
  const auto original = model_id(parsed(plain_card()));
  const auto after = [](const std::function<void(json::object&)>& change) {
    json::object card = plain_card();
    change(card);
    return model_id(parsed(card));
  };
  const auto input = [](json::object& card) -> json::object& {
    return embedder(card)["input"].as_object();
  };
  EXPECT_NE(original, after([](json::object& card) {
              card["files"].as_array()[1].as_object()["sha256"] = kHashA;
            }));
  EXPECT_NE(original, after([&](json::object& card) { input(card)["channel_order"] = "rgb"; }));
  EXPECT_NE(original, after([&](json::object& card) {
              input(card)["mean"] = json::array{1, 2, 4};
            }));
  EXPECT_NE(original, after([&](json::object& card) {
              input(card)["scale"] = json::array{4, 5, 7};
            }));
  EXPECT_NE(original, after([](json::object& card) { embedder(card)["output_length"] = 256; }));
  EXPECT_NE(original, after([](json::object& card) { card["metric"] = "l2"; }));
  EXPECT_NE(original, after([](json::object& card) { embedder(card)["weight"] = 2; }));
  EXPECT_NE(original, after([](json::object& card) { embedder(card)["normalize"] = false; }));
  EXPECT_NE(original, after([](json::object& card) { embedder(card)["mirror_averaging"] = true; }));
  EXPECT_EQ(original,
            after([](json::object& card) { embedder(card)["mirror_averaging"] = false; }));
  EXPECT_NE(original, after([](json::object& card) {
              embedder(card)["output_mean"] = json::array(512, 0.5);
            }));
  EXPECT_NE(original, after([](json::object& card) {
              embedder(card)["template"] = *json::parse(R"({"name": "arcface_112", "side_px": 112,
                    "points": [[38, 51], [73, 51], [56, 71], [41, 92], [70, 92]]})");
            }));
}

TEST(ModelId, DoesNotChangeWithTheDetectorOrWithNames) {
  json::object card = plain_card();
  detector(card)["head"] = "yunet";
  detector(card)["min_detection_score"] = 0.9;
  card["files"].as_array()[0].as_object()["sha256"] = kHashB;
  card["id"] = "other";
  EXPECT_EQ(model_id(parsed(card)), model_id(parsed(plain_card())));
}

TEST(ModelId, IsUnknownWhileTheWeightsAre) {
  json::object card = plain_card();
  card["files"].as_array()[1].as_object().erase("sha256");
  EXPECT_EQ(model_id(parsed(card)), std::nullopt);
}

TEST(PipelineSpec, HasAbsolutePathsAndTheCalibrationOfItsModel) {
  json::object card = plain_card();
  card["calibration"] = calibration_of_model(model_id(parsed(plain_card()))->hex());
  const auto spec = pipeline_spec(parsed(card), "/packs/plain");
  EXPECT_EQ(spec.detector.file, "/packs/plain/detector.onnx");
  EXPECT_EQ(spec.embedders.at(0).file, "/packs/plain/nets/embedder.onnx");
  EXPECT_EQ(spec.pack_id, "plain");
  const auto calibration = calibration_of(spec);
  ASSERT_TRUE(calibration);
  EXPECT_EQ(calibration->impostor_pair_count, 1'000'000);
}

TEST(PipelineSpec, WithoutACalibrationPromisesNothing) {
  const auto calibration = calibration_of(pipeline_spec(parsed(plain_card()), "/packs/plain"));
  ASSERT_FALSE(calibration);
  EXPECT_EQ(calibration.error().code, ErrorCode::Conflict);
  EXPECT_EQ(calibration.error().reason, "pack_not_calibrated");
  EXPECT_THAT(calibration.error().message, HasSubstr("faceforge evaluate calibrate --pack plain"));
}

TEST(CardFile, IsReplacedWholeWithANewCalibration) {
  const faceforge::test::TemporaryFolder folder;
  const Card card = parsed(plain_card());
  ASSERT_TRUE(write_card(card, folder.path()));
  face::Calibration calibration{.model_id = *model_id(card),
                                .impostor_pair_count = 500,
                                .points = {{0.01, 0.2F}},
                                .ambiguity_margin = 0.05F};
  ASSERT_TRUE(write_calibration(calibration, folder.path()));
  const auto again = read_card(folder.path());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->calibration->impostor_pair_count, 500);
  EXPECT_EQ(again->name, card.name);

  calibration.model_id = face::ModelId(std::string(kHashA));
  const auto refused = write_calibration(calibration, folder.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "model_mismatch");
  EXPECT_EQ(read_card(folder.path())->calibration->impostor_pair_count, 500);
}

TEST(CardFile, ThatIsMissingOrDamagedIsNamed) {
  const faceforge::test::TemporaryFolder folder;
  const auto missing = read_card(folder.path());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "card_missing");
  ASSERT_TRUE(write_file_atomically(folder.path() / "card.json", std::string_view("{")));
  const auto damaged = read_card(folder.path());
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().reason, "card_malformed");
  EXPECT_THAT(damaged.error().message, StartsWith(folder.path().string()));
  ASSERT_TRUE(write_file_atomically(folder.path() / "card.json", std::string(2'000'000, ' ')));
  const auto large = read_card(folder.path());
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().reason, "card_too_large");
}

}  // namespace
}  // namespace faceforge::packs
