#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "support/test_data.h"
#include "train/synthetic_crops_test_support.h"

namespace faceforge::train {
namespace {

const std::vector<std::string> kNames{"Ann", "Bob"};

class CheckpointStateTest : public testing::Test {
 protected:
  CheckpointStateTest() { state_.settings.network.kind = NetworkKind::IResNet34; }

  Result<CheckpointState> written_and_read(const TensorMetadata& metadata) {
    const auto path = folder_.path() / "checkpoint.safetensors";
    EXPECT_TRUE(write_tensor_file(path, to_tensors(state_), metadata));
    const auto file = TensorFile::read(path);
    EXPECT_TRUE(file) << file.error().message;
    return checkpoint_state(*file, "the file");
  }

  /// With one text of the description in the place of another.
  std::string reason_with(std::string_view text, std::string_view other) {
    TensorMetadata metadata = to_metadata(state_);
    std::string& described = metadata.begin()->second;
    const size_t place = described.find(text);
    EXPECT_NE(place, std::string::npos) << described;
    described.replace(place, text.size(), other);
    const auto read = written_and_read(metadata);
    return read ? "" : read.error().reason;
  }

  test::TemporaryFolder folder_;
  CheckpointState state_{.step = 7,
                         .crop_shape = crops::CropShape{.width_px = 96, .height_px = 80},
                         .trained_people = crops::TrainedPeople({}, kNames)};
};

TEST_F(CheckpointStateTest, IsReadAsItWasWritten) {
  const auto read = written_and_read(to_metadata(state_));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->step, 7U);
  EXPECT_EQ(read->settings.network.kind, NetworkKind::IResNet34);
  EXPECT_EQ(read->crop_shape, state_.crop_shape);
  EXPECT_EQ(read->trained_people, state_.trained_people);
  EXPECT_TRUE(read->trained_people->contains("Ann"));
}

TEST_F(CheckpointStateTest, OfAnOlderVersionDoesNotKnowItsCrops) {
  state_.crop_shape.reset();
  state_.trained_people.reset();
  const auto read = written_and_read(to_metadata(state_));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->crop_shape, std::nullopt);
  EXPECT_EQ(read->trained_people, std::nullopt);
}

TEST_F(CheckpointStateTest, IsNoneOfAnotherKindOfFile) {
  EXPECT_EQ(written_and_read({{"format", "pt"}}).error().reason, "not_a_checkpoint");
  EXPECT_EQ(written_and_read({{"faceforge.checkpoint", "[]"}}).error().reason, "not_a_checkpoint");
  EXPECT_EQ(written_and_read({{"faceforge.checkpoint", "{"}}).error().reason, "json_malformed");
}

TEST_F(CheckpointStateTest, WithASaltButNoHashesIsNone) {
  const TensorMetadata metadata = to_metadata(state_);
  state_.trained_people.reset();
  EXPECT_EQ(written_and_read(metadata).error().reason, "not_a_checkpoint");
}

TEST_F(CheckpointStateTest, PeopleAreHashedTheSameForOneSeedAlone) {
  const auto path = folder_.path() / "crops.ffd";
  write_synthetic_crops(path, {1, 1, 1}, 16);
  const auto crops = crops::CropFile::open(path);
  ASSERT_TRUE(crops);
  const std::vector<uint32_t> people{0, 2};
  const auto hashed = hash_people(*crops, people, 1);
  EXPECT_EQ(hashed.count(), 2U);
  EXPECT_TRUE(hashed.contains(synthetic_name(2)));
  EXPECT_FALSE(hashed.contains(synthetic_name(1)));
  EXPECT_EQ(hashed, hash_people(*crops, people, 1));
  EXPECT_NE(hashed.salt(), hash_people(*crops, people, 2).salt());
}

TEST_F(CheckpointStateTest, RefusesWhatNoRunWrites) {
  EXPECT_EQ(reason_with("\"step\":7", "\"step\":7"), "");
  EXPECT_EQ(reason_with("\"step\":7", "\"step\":-7"), "not_a_checkpoint");
  EXPECT_EQ(reason_with("\"step\":7", "\"stop\":7"), "json_field_missing");
  EXPECT_EQ(reason_with("iresnet34", "iresnet35"), "unknown_word");
  EXPECT_EQ(reason_with("\"width_px\":96", "\"width_px\":0"), "setting_out_of_range");
  EXPECT_EQ(reason_with("trained_people_salt\":\"00", "trained_people_salt\":\""),
            "person_salt_malformed");
  EXPECT_EQ(reason_with("\"height_px\":80", "\"height_px\":1025"), "setting_out_of_range");
}

}  // namespace
}  // namespace faceforge::train
