#include "train/sampler.h"

#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "support/test_data.h"
#include "train/synthetic_crops_test_support.h"

namespace faceforge::train {
namespace {

/// Seven people with 6 photos each, then one with 3, one with 1 and one with none.
class SamplerTest : public testing::Test {
 protected:
  SamplerTest() {
    write_synthetic_crops(folder_.path() / "crops.ffd", {6, 6, 6, 6, 6, 6, 6, 3, 1, 0}, 2);
    crops_.emplace(*crops::CropFile::open(folder_.path() / "crops.ffd"));
  }

  Sampler sampler(BatchShape shape, uint64_t seed = 1) {
    return *Sampler::create(*crops_, people_, shape, seed);
  }

  std::string refusal(BatchShape shape) {
    const auto made = Sampler::create(*crops_, people_, shape, 1);
    return made ? "" : made.error().reason;
  }

  test::TemporaryFolder folder_;
  std::optional<crops::CropFile> crops_;
  std::vector<uint32_t> people_{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
};

TEST_F(SamplerTest, ABatchHasKDifferentPhotosOfEachOfPPeople) {
  Sampler made = sampler({.people = 3, .photos_per_person = 4});
  for (uint64_t step = 0; step < 50; ++step) {
    const Batch batch = made.batch(step);
    ASSERT_EQ(batch.crop_indices.size(), 12u);
    std::map<int64_t, std::set<size_t>> crops_of;
    for (size_t i = 0; i < 12; ++i) {
      crops_of[batch.labels[i]].insert(batch.crop_indices[i]);
      EXPECT_EQ(crops_->person_index(batch.crop_indices[i]), batch.labels[i]);
    }
    EXPECT_EQ(crops_of.size(), 3u);
    for (const auto& [label, different] : crops_of) {
      EXPECT_EQ(different.size(), label == 7 ? 3u : 4u) << "the person with three photos";
    }
  }
}

TEST_F(SamplerTest, PeopleWithOnePhotoOrNoneAreLeftOut) {
  const Sampler made = sampler({.people = 3, .photos_per_person = 4});
  EXPECT_EQ(made.person_count(), 8u);
  EXPECT_EQ(made.crop_count(), 45u);
}

TEST_F(SamplerTest, AnEpochHasEveryPersonAndIsFilledUpWithItsFirst) {
  Sampler made = sampler({.people = 3, .photos_per_person = 2});
  ASSERT_EQ(made.steps_per_epoch(), 3u);  // of 8 people, 3 at a time
  for (uint64_t epoch = 0; epoch < 5; ++epoch) {
    std::map<int64_t, int> batches_of;
    std::vector<int64_t> order;
    for (uint64_t step = 3 * epoch; step < 3 * epoch + 3; ++step) {
      const Batch batch = made.batch(step);
      for (size_t i = 0; i < batch.labels.size(); i += 2) {
        ++batches_of[batch.labels[i]];
        order.push_back(batch.labels[i]);
      }
    }
    EXPECT_EQ(batches_of.size(), 8u);
    EXPECT_EQ(order.back(), order.front());
  }
}

TEST_F(SamplerTest, EpochsDifferAndSoDoSeeds) {
  Sampler made = sampler({.people = 8, .photos_per_person = 2});
  EXPECT_NE(made.batch(0).crop_indices, made.batch(1).crop_indices);
  Sampler other = sampler({.people = 8, .photos_per_person = 2}, 2);
  EXPECT_NE(made.batch(0).crop_indices, other.batch(0).crop_indices);
}

TEST_F(SamplerTest, ABatchFollowsFromSeedAndStepAlone) {
  Sampler in_order = sampler({.people = 3, .photos_per_person = 4});
  std::vector<Batch> batches;
  for (uint64_t step = 0; step < 20; ++step) batches.push_back(in_order.batch(step));
  for (uint64_t step = 20; step-- > 0;) {
    Sampler fresh = sampler({.people = 3, .photos_per_person = 4});
    EXPECT_EQ(fresh.batch(step).crop_indices, batches[step].crop_indices);
  }
}

TEST_F(SamplerTest, EveryPhotoOfAPersonIsDrawnEquallyOften) {
  Sampler made = sampler({.people = 8, .photos_per_person = 4});
  std::map<size_t, int> counts;
  for (uint64_t step = 0; step < 3000; ++step) {
    for (const size_t crop : made.batch(step).crop_indices) ++counts[crop];
  }
  // 4 of 6 photos in each of 3000 batches: 2000, standard deviation sqrt(3000 * 2/3 * 1/3) = 26.
  for (size_t crop = 0; crop < 42; ++crop) EXPECT_NEAR(counts[crop], 2000, 130);
}

TEST_F(SamplerTest, RefusesBatchesThatTeachNothingOrCannotBe) {
  EXPECT_EQ(refusal({.people = 1, .photos_per_person = 4}), "batch_shape");
  EXPECT_EQ(refusal({.people = 4, .photos_per_person = 1}), "batch_shape");
  EXPECT_EQ(refusal({.people = 300, .photos_per_person = 300}), "batch_too_large");
  EXPECT_EQ(refusal({.people = 9, .photos_per_person = 2}), "too_few_people");
  EXPECT_EQ(refusal({.people = 8, .photos_per_person = 2}), "");
}

}  // namespace
}  // namespace faceforge::train
