#include "train/sampler.h"

#include <numeric>

#include "base/check.h"
#include "train/random.h"

namespace faceforge::train {
namespace {

/// `count` of the items, all different where there are that many, else all of them over and over.
std::vector<size_t> drawn(std::vector<size_t> items, size_t count, Random& random) {
  std::vector<size_t> result;
  result.reserve(count);
  while (result.size() < count) {
    for (size_t i = 0; i < items.size() && result.size() < count; ++i) {
      std::swap(items[i], items[i + random.below(items.size() - i)]);
      result.push_back(items[i]);
    }
  }
  return result;
}

Result<void> check_shape(BatchShape shape) {
  if (shape.people < 2 || shape.photos_per_person < 2) {
    return fail(ErrorCode::InvalidInput, "batch_shape",
                "a batch of {} people with {} photos each; at least 2 of each are needed",
                shape.people, shape.photos_per_person);
  }
  if (shape.people > kMaxBatchCrops / shape.photos_per_person) {
    return fail(ErrorCode::TooLarge, "batch_too_large",
                "a batch of {} people with {} photos each; the limit is {} photos", shape.people,
                shape.photos_per_person, kMaxBatchCrops);
  }
  return {};
}

}  // namespace

Result<Sampler> Sampler::create(const crops::CropFile& crops, std::span<const uint32_t> people,
                                BatchShape shape, uint64_t seed) {
  TRY(check_shape(shape));
  std::vector<std::vector<size_t>> crops_of(crops.person_count());
  for (size_t i = 0; i < crops.crop_count(); ++i) crops_of[crops.person_index(i)].push_back(i);
  Sampler sampler(shape, seed);
  for (const uint32_t person : people) {
    CHECK(person < crops_of.size());
    if (crops_of[person].size() < 2) continue;
    sampler.crop_count_ += crops_of[person].size();
    sampler.crops_of_.push_back(std::move(crops_of[person]));
  }
  if (sampler.person_count() < shape.people) {
    return fail(ErrorCode::InvalidInput, "too_few_people",
                "{} of the {} people have two photos or more; a batch takes {}",
                sampler.person_count(), people.size(), shape.people);
  }
  sampler.begin_epoch(0);
  return sampler;
}

uint64_t Sampler::steps_per_epoch() const {
  return (person_count() + shape_.people - 1) / shape_.people;
}

void Sampler::begin_epoch(uint64_t epoch) {
  order_.resize(person_count());
  std::iota(order_.begin(), order_.end(), size_t{0});
  Random random(seed_, RandomPurpose::Epoch, epoch);
  random.shuffle(order_);
  epoch_ = epoch;
}

Batch Sampler::batch(uint64_t step) {
  if (const uint64_t epoch = step / steps_per_epoch(); epoch != epoch_) begin_epoch(epoch);
  const size_t first = static_cast<size_t>(step % steps_per_epoch()) * shape_.people;
  Random random(seed_, RandomPurpose::Batch, step);
  Batch batch;
  for (size_t place = first; place < first + shape_.people; ++place) {
    const size_t label = order_[place % order_.size()];
    for (const size_t crop : drawn(crops_of_[label], shape_.photos_per_person, random)) {
      batch.crop_indices.push_back(crop);
      batch.labels.push_back(static_cast<int64_t>(label));
    }
  }
  return batch;
}

}  // namespace faceforge::train
