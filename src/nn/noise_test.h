#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace faceforge::nn {

/// Normally distributed numbers, the same for the same seed.
inline std::vector<float> noise(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(count));
  std::ranges::generate(numbers, [&] { return normal(random); });
  return numbers;
}

}  // namespace faceforge::nn
