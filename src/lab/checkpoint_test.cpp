#include "lab/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "lab/checkpoint_test_support.h"
#include "support/test_data.h"

namespace faceforge::lab {
namespace {

using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "checkpoint.safetensors"; }

  test::TemporaryFolder folder_;
  WrittenCheckpoint written_{
      {.kind = train::NetworkKind::MobileFaceNet, .embedding_length = 8, .input_side_px = 16}, 24};
};

TEST_F(CheckpointTest, IsReadFromItsFileOrTheFolderOfItsRun) {
  written_.write(file());
  for (const auto& path : {file(), folder_.path()}) {
    const auto checkpoint = Checkpoint::read(path);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    EXPECT_EQ(checkpoint->network().kind, train::NetworkKind::MobileFaceNet);
    EXPECT_EQ(checkpoint->step(), 3U);
    EXPECT_EQ(checkpoint->crop_side_px(), 24);
    EXPECT_TRUE(checkpoint->trained_people().contains("Ann"));
    EXPECT_EQ(checkpoint->weight_kind(), WeightKind::Last);
    const auto weight = checkpoint->weights()("backbone.layers.0.1.weight", {64});
    ASSERT_TRUE(weight) << weight.error().message;
    EXPECT_EQ(weight->values, wave_weights("backbone.layers.0.1.weight", {64}).values);
  }
}

TEST_F(CheckpointTest, AveragedWeightsGoBeforeTheLast) {
  written_.add(train::kAveragePrefix, 0.5F);
  written_.write(file());
  const auto checkpoint = Checkpoint::read(file());
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->weight_kind(), WeightKind::Averaged);
  EXPECT_FLOAT_EQ(checkpoint->weights()("backbone.layers.0.1.weight", {64})->values[5],
                  wave_weights("backbone.layers.0.1.weight", {64}).values[5] / 2);
}

TEST_F(CheckpointTest, AWeightThatIsMissingOrOfAnotherShapeIsNamed) {
  written_.write(file());
  const auto checkpoint = Checkpoint::read(file());
  ASSERT_TRUE(checkpoint);
  const auto missing = checkpoint->weights()("backbone.fc.weight", {8, 8});
  EXPECT_EQ(missing.error().reason, "weights_do_not_fit");
  EXPECT_THAT(missing.error().message, HasSubstr("network.backbone.fc.weight is missing"));
  const auto other = checkpoint->weights()("backbone.layers.0.1.weight", {32});
  EXPECT_EQ(other.error().reason, "weights_do_not_fit");
  EXPECT_THAT(other.error().message, HasSubstr("[64]; the network has [32]"));
}

TEST_F(CheckpointTest, WhatIsNoneIsRefusedByName) {
  const auto reason = [](const std::filesystem::path& path) {
    const auto read = Checkpoint::read(path);
    return read ? "" : read.error().reason;
  };
  EXPECT_EQ(reason(folder_.path()), "no_checkpoint");
  EXPECT_EQ(reason(file()), "file_not_found");
  ASSERT_TRUE(write_file_atomically(file(), std::string_view("no tensors")));
  EXPECT_EQ(reason(file()), "tensor_file_damaged");

  written_.write(file());
  auto bytes = *read_file(file(), size_t{1} << 30);
  bytes[bytes.size() / 2] ^= std::byte{1};
  ASSERT_TRUE(write_file_atomically(file(), bytes));
  EXPECT_EQ(reason(file()), "tensor_file_damaged");

  written_.state.crop_shape->height_px = 25;
  written_.write(file());
  EXPECT_EQ(reason(file()), "crops_not_square");
  written_.state.crop_shape->height_px = 24;
  written_.state.trained_people.reset();
  written_.write(file());
  EXPECT_EQ(reason(file()), "checkpoint_too_old");
  written_.state.crop_shape.reset();
  written_.write(file());
  EXPECT_EQ(reason(file()), "checkpoint_too_old");
}

}  // namespace
}  // namespace faceforge::lab
