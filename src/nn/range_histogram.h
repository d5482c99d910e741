#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/graph.h"

namespace faceforge::nn {

/// Counts numbers in bins around zero; the bins widen as larger numbers come.
class RangeHistogram {
 public:
  /// Whether all numbers are finite, and no so large that bins around them would not be.
  [[nodiscard]] static bool takes(std::span<const float> numbers);

  /// in: numbers that it takes (a CHECK)
  void add(std::span<const float> numbers);

  [[nodiscard]] bool is_empty() const { return count_ == 0; }

  /// The least and greatest number seen.
  [[nodiscard]] std::pair<float, float> extremes() const { return {lowest_, highest_}; }

  /// The range that leaves out a share of the numbers at each end.
  [[nodiscard]] std::pair<float, float> percentile(double left_out) const;

  /// The range whose 256 levels lose the least information: the least Kullback-Leibler divergence
  /// of the clipped and rounded numbers from the numbers, over ranges cut at one magnitude.
  [[nodiscard]] std::pair<float, float> entropy() const;

  /// The range whose 256 levels are nearest to the numbers: the least sum of squared differences of
  /// the clipped and rounded numbers from the numbers.
  [[nodiscard]] std::pair<float, float> squared_error() const;

 private:
  /// Of the numbers clipped to a range and rounded.
  [[nodiscard]] double squared_error_of(std::pair<float, float> range) const;

  static constexpr size_t kBinCount = 4096;
  [[nodiscard]] float edge(size_t bin) const;  ///< its lower end
  void widen();

  std::vector<uint64_t> bins_ = std::vector<uint64_t>(kBinCount, 0);
  float reach_ = 0;  ///< the bins cover [-reach, reach)
  float lowest_ = 0, highest_ = 0;
  uint64_t count_ = 0;
  uint64_t zero_count_ = 0;  ///< in the bin that begins at zero
};

/// The unsigned bytes that cover a range, zero exactly among them.
[[nodiscard]] Quantization quantization_of_range(std::pair<float, float> range);

}  // namespace faceforge::nn
