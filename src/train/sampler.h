#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "crops/crop_file.h"

namespace faceforge::train {

inline constexpr size_t kMaxBatchCrops = 65'536;

/// P people with K photos each.
struct BatchShape {
  size_t people = 16;
  size_t photos_per_person = 4;

  [[nodiscard]] size_t crops() const { return people * photos_per_person; }
  friend bool operator==(const BatchShape&, const BatchShape&) = default;
};

/// The crops of one step, person after person.
struct Batch {
  std::vector<size_t> crop_indices;
  std::vector<int64_t> labels;  ///< a person's place among those trained on: the class
};

/// Which crops each step takes: P people, K photos of each.
///
/// An epoch is the least number of batches in which every person occurs: people are shuffled and
/// taken P at a time; the last batch is filled up with the first ones of the same order. Of a
/// person with more than K photos, K different ones are drawn; one with fewer gives all of them,
/// then again from the first, in random order. Batch `step` follows from the seed and `step` alone.
///
/// source: Hermans, Beyer & Leibe 2017, "In Defense of the Triplet Loss", section 2 (P x K)
class Sampler {
 public:
  /// in:    `people`: indices of the file's people, in rising order and each once
  /// fails: invalid_input/batch_shape for fewer than two people or photos a person, which no
  ///        triplet can be made of; too_large/batch_too_large beyond kMaxBatchCrops;
  ///        invalid_input/too_few_people for fewer people with two photos than the batch takes.
  ///        People with fewer than two photos are left out: they have no genuine pair.
  [[nodiscard]] static Result<Sampler> create(const crops::CropFile& crops,
                                              std::span<const uint32_t> people, BatchShape shape,
                                              uint64_t seed);

  /// The batch of a step. cost: O(people) where a new epoch begins, else O(P x photos of a person)
  [[nodiscard]] Batch batch(uint64_t step);

  [[nodiscard]] size_t person_count() const { return crops_of_.size(); }
  [[nodiscard]] size_t crop_count() const { return crop_count_; }
  [[nodiscard]] uint64_t steps_per_epoch() const;

 private:
  Sampler(BatchShape shape, uint64_t seed) : shape_(shape), seed_(seed) {}
  void begin_epoch(uint64_t epoch);

  BatchShape shape_;
  uint64_t seed_;
  std::vector<std::vector<size_t>> crops_of_;  ///< by label
  size_t crop_count_ = 0;
  std::vector<size_t> order_;  ///< of the labels in `epoch_`
  uint64_t epoch_ = 0;
};

}  // namespace faceforge::train
