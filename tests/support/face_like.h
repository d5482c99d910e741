#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/check.h"
#include "face/embedding.h"

namespace faceforge::test {

/// Embeddings of unit length that lie like those of faces: people anywhere on the sphere, the
/// photos of one around them. Two photos of a person have a cosine near `kGenuineCosine`, of two
/// people near 0. Every photo is made from its number alone, so that threads share the work and a
/// program finds again what another one indexed.
class FaceLike {
 public:
  static constexpr float kGenuineCosine = 0.6F;

  FaceLike(size_t length, uint64_t seed) : length_(length), seed_(seed) {}

  [[nodiscard]] std::vector<float> person(uint64_t number) const {
    return direction(2 * number, 0);
  }

  /// in: `mean` what `person(number)` gave
  [[nodiscard]] std::vector<float> photo(const std::vector<float>& mean, uint64_t number,
                                         uint64_t photo_number) const {
    std::vector<float> values = direction(2 * number + 1, photo_number);
    for (size_t index = 0; index < length_; ++index) {
      values[index] =
          std::sqrt(kGenuineCosine) * mean[index] + std::sqrt(1 - kGenuineCosine) * values[index];
    }
    CHECK(face::normalize(values));
    return values;
  }
  [[nodiscard]] std::vector<float> photo(uint64_t number, uint64_t photo_number) const {
    return photo(person(number), number, photo_number);
  }

 private:
  [[nodiscard]] std::vector<float> direction(uint64_t first, uint64_t second) const {
    std::seed_seq seeds{seed_, first, first >> 32, second};
    std::mt19937 random(seeds);
    std::normal_distribution<float> normal;
    std::vector<float> values(length_);
    for (float& value : values) value = normal(random);
    CHECK(face::normalize(values));
    return values;
  }

  size_t length_;
  uint64_t seed_;
};

}  // namespace faceforge::test
