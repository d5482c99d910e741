#include "lab/export_pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "lab/checkpoint_test_support.h"
#include "packs/trained_people.h"
#include "support/test_data.h"
#include "vision/landmark_templates.h"

namespace faceforge::lab {
namespace {

namespace fs = std::filesystem;

class ExportPackTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TEST_DATA(data);
    const packs::Registry registry({.packs_folder = folder_.path() / "packs"});
    const auto entry = registry.info((data / "packs/scrfd500-mbf").string() + "/");
    ASSERT_TRUE(entry) << entry.error().message;
    request_.detector_pack = *entry;
    request_.checkpoint = folder_.path() / "run";
    request_.output = folder_.path() / "mine";
    fs::create_directories(request_.checkpoint);
  }

  void write(const WrittenCheckpoint& checkpoint) {
    checkpoint.write(request_.checkpoint / "checkpoint.safetensors");
  }

  static WrittenCheckpoint small(uint32_t crop_side_px) {
    return {{.kind = train::NetworkKind::MobileFaceNet, .embedding_length = 8, .input_side_px = 32},
            crop_side_px};
  }

  std::string reason() {
    const auto exported = export_pack(request_);
    return exported ? "" : exported.error().reason;
  }

  test::TemporaryFolder folder_;
  ExportRequest request_;
};

TEST_F(ExportPackTest, MakesAPackOfItsNetworkAndTheOthersDetector) {
  write(small(112));
  const auto exported = export_pack(request_);
  ASSERT_TRUE(exported) << exported.error().message;
  const auto card = packs::read_card(request_.output);
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->id, "mine");
  EXPECT_EQ(card->detector.file, request_.detector_pack.card.detector.file);
  ASSERT_EQ(card->embedders.size(), 1U);
  const vision::EmbedderSpec& embedder = card->embedders.front();
  EXPECT_EQ(embedder.file, "mobilefacenet.onnx");
  EXPECT_EQ(embedder.landmark_template, *vision::landmark_template("arcface_112"));
  EXPECT_EQ(embedder.output_length, 8);
  EXPECT_EQ(card->files.size(), 3U) << "not the other pack's embedder";
  const auto people = packs::read_trained_people(
      {.card = *card, .state = packs::PackState::Installed, .folder = request_.output});
  ASSERT_TRUE(people) << people.error().message;
  ASSERT_EQ(people->size(), 1U);
  EXPECT_TRUE(people->front().contains("Bob"));
  EXPECT_FALSE(people->front().contains("Cid"));
  EXPECT_FALSE(card->calibration || card->measured_accuracy || card->quantization);
  EXPECT_EQ(card->licence.kind, packs::LicenceKind::NonCommercial);
  EXPECT_NE(packs::model_id(*card), packs::model_id(request_.detector_pack.card));

  // The black crop, by the pack's own pipeline.
  const auto pipeline = vision::Pipeline::load(packs::pipeline_spec(*card, request_.output));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
}

TEST_F(ExportPackTest, AlignsToCropsOfAnotherSizeAsTheyWereMade) {
  write(small(56));
  const auto exported = export_pack(request_);
  ASSERT_TRUE(exported) << exported.error().message;
  const auto& half = exported->card.embedders.front().landmark_template;
  const auto whole = *vision::landmark_template("arcface_112");
  EXPECT_EQ(half.side_px, 56);
  for (size_t i = 0; i < whole.points.size(); ++i) {
    EXPECT_FLOAT_EQ(half.points[i].x, whole.points[i].x / 2);
    EXPECT_FLOAT_EQ(half.points[i].y, whole.points[i].y / 2);
  }
}

TEST_F(ExportPackTest, OtherWeightsAreAnotherModel) {
  write(small(112));
  const auto one = export_pack(request_);
  auto averaged = small(112);
  averaged.add(train::kAveragePrefix, 0.9F);
  write(averaged);
  request_.output = folder_.path() / "averaged";
  const auto other = export_pack(request_);
  ASSERT_TRUE(one && other) << other.error().message;
  EXPECT_EQ(other->weight_kind, WeightKind::Averaged);
  EXPECT_NE(packs::model_id(one->card), packs::model_id(other->card));
}

TEST_F(ExportPackTest, LeavesNothingBehindWhenItFails) {
  const auto left = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  };
  EXPECT_EQ(reason(), "no_checkpoint");
  auto checkpoint = small(112);
  checkpoint.tensors.pop_back();
  write(checkpoint);
  EXPECT_EQ(reason(), "weights_do_not_fit");
  checkpoint = small(112);
  for (float& weight : checkpoint.tensors.front().second.values) weight = 1e38F;
  write(checkpoint);
  EXPECT_EQ(reason(), "network_not_finite");
  write(small(112));
  request_.output = folder_.path() / "No Id";
  EXPECT_EQ(reason(), "card_invalid");
  request_.output = folder_.path() / "mine";
  request_.licence_kind = packs::LicenceKind::Permissive;
  EXPECT_EQ(reason(), "licence_not_permissive");
  request_.licence_kind = packs::LicenceKind::NonCommercial;
  request_.calibration_people = folder_.path() / "nobody";
  EXPECT_NE(reason(), "");
  request_.calibration_people = folder_.path() / "run" / "people";
  for (const char* person : {"Bob", "Cid"}) {
    fs::create_directories(request_.calibration_people / person);
    const auto photo = request_.calibration_people / person / "1.jpg";
    ASSERT_TRUE(write_file_atomically(photo, std::string_view("no photo")));
  }
  EXPECT_EQ(reason(), "trained_on_these_people");
  request_.excluded_people = {"Bob"};
  EXPECT_EQ(reason(), "too_few_impostor_pairs");
  EXPECT_THAT(left(), testing::UnorderedElementsAre("run"));

  request_.calibration_people.clear();
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(reason(), "folder_exists");
  EXPECT_THAT(left(), testing::UnorderedElementsAre("run", "mine"));
}

}  // namespace
}  // namespace faceforge::lab
