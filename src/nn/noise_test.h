#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "nn/shape.h"
#include "nn/tensor.h"

namespace faceforge::nn {

/// Normally distributed numbers, the same for the same seed.
inline std::vector<float> noise(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(count));
  std::ranges::generate(numbers, [&] { return normal(random); });
  return numbers;
}

/// The next normally distributed numbers around 0.
inline Tensor noise(std::mt19937& random, Shape shape, float deviation) {
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(element_count(shape)))};
  std::normal_distribution<float> normal(0, deviation);
  for (float& value : tensor.values) value = normal(random);
  return tensor;
}

/// Numbers between -1 and 1 that follow no pattern of a network's.
inline Tensor waves(Shape shape) {
  const auto count = static_cast<size_t>(element_count(shape));
  Tensor tensor{std::move(shape), std::vector<float>(count)};
  for (size_t index = 0; index < count; ++index) {
    tensor.values[index] = std::sin(0.37F * static_cast<float>(index * index % 1009));
  }
  return tensor;
}

}  // namespace faceforge::nn
