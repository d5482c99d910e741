#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "nn/graph.h"

namespace faceforge::nn {

/// Calls `use` with the function of one number that an operator applies.
template <typename Use>
void with_function(const Unary& unary, Use&& use) {
  const float alpha = unary.alpha, beta = unary.beta;
  switch (unary.kind) {
    case UnaryKind::Relu:
      return use([](float x) { return x > 0 ? x : 0.0F; });
    case UnaryKind::LeakyRelu:
      return use([=](float x) { return x > 0 ? x : alpha * x; });
    case UnaryKind::Sigmoid:
      return use([](float x) { return 1 / (1 + std::exp(-x)); });
    case UnaryKind::Clip:
      return use([=](float x) { return std::min(std::max(x, alpha), beta); });
    case UnaryKind::HardSwish:
      return use([](float x) { return x * std::min(std::max(x / 6 + 0.5F, 0.0F), 1.0F); });
    case UnaryKind::HardSigmoid:
      return use([=](float x) { return std::min(std::max(alpha * x + beta, 0.0F), 1.0F); });
    case UnaryKind::Exp:
      return use([](float x) { return std::exp(x); });
    case UnaryKind::Sqrt:
      return use([](float x) { return std::sqrt(x); });
    case UnaryKind::Tanh:
      return use([](float x) { return std::tanh(x); });
    case UnaryKind::Elu:
      return use([=](float x) { return x > 0 ? x : alpha * std::expm1(x); });
    case UnaryKind::Abs:
      return use([](float x) { return std::abs(x); });
    case UnaryKind::Negate:
      return use([](float x) { return -x; });
    case UnaryKind::Log:
      return use([](float x) { return std::log(x); });
    case UnaryKind::Floor:
      return use([](float x) { return std::floor(x); });
    case UnaryKind::Ceil:
      return use([](float x) { return std::ceil(x); });
  }
}

/// Calls `use` with the function of two numbers that an operator applies.
template <typename Use>
void with_function(BinaryKind kind, Use&& use) {
  switch (kind) {
    case BinaryKind::Add:
      return use([](float a, float b) { return a + b; });
    case BinaryKind::Subtract:
      return use([](float a, float b) { return a - b; });
    case BinaryKind::Multiply:
      return use([](float a, float b) { return a * b; });
    case BinaryKind::Divide:
      return use([](float a, float b) { return a / b; });
    case BinaryKind::Power:
      return use([](float a, float b) { return std::pow(a, b); });
    case BinaryKind::PRelu:
      return use([](float a, float b) { return a > 0 ? a : a * b; });
    case BinaryKind::Minimum:
      return use([](float a, float b) { return std::min(a, b); });
    case BinaryKind::Maximum:
      return use([](float a, float b) { return std::max(a, b); });
  }
}

/// Walks a result's numbers in order, calling `at(result, a, b)` with offsets into the result and
/// two operands that are read through strides.
template <typename At>
void for_each_pair(std::span<const int64_t> shape, std::span<const int64_t> a_strides,
                   std::span<const int64_t> b_strides, At&& at) {
  const int64_t count = element_count(shape);
  if (count == 0) return;
  if (shape.empty()) return at(int64_t{0}, int64_t{0}, int64_t{0});
  const size_t last = shape.size() - 1;
  std::array<int64_t, kMaxRank> position{};
  int64_t a = 0, b = 0;
  for (int64_t row = 0; row < count; row += shape[last]) {
    for (int64_t index = 0; index < shape[last]; ++index) {
      at(row + index, a + index * a_strides[last], b + index * b_strides[last]);
    }
    for (size_t axis = last; axis-- > 0;) {
      a += a_strides[axis];
      b += b_strides[axis];
      if (++position[axis] < shape[axis]) break;
      a -= a_strides[axis] * shape[axis];
      b -= b_strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
}

}  // namespace faceforge::nn
