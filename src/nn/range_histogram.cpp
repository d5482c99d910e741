#include "nn/range_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace faceforge::nn {
namespace {

constexpr size_t kLevelCount = 256;

/// The divergence of `bins` from what is left of them in 256 levels, clipped to [first, end).
double divergence(std::span<const uint64_t> bins, size_t first, size_t end) {
  std::vector<double> clipped(end - first);
  double below = 0, beyond = 0, total = 0;
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    const auto count = static_cast<double>(bins[bin]);
    total += count;
    if (bin < first) {
      below += count;
    } else if (bin >= end) {
      beyond += count;
    } else {
      clipped[bin - first] = count;
    }
  }
  // What is rounded comes from the numbers within the range; what it is compared with has those
  // beyond it at its ends, so that clipping costs.
  const std::vector<double> within = clipped;
  clipped.front() += below;
  clipped.back() += beyond;
  const size_t size = clipped.size();
  double sum_within = 0;
  for (const double count : within) sum_within += count;
  double result = 0;
  for (size_t level = 0; level < kLevelCount; ++level) {
    const size_t start = level * size / kLevelCount, stop = (level + 1) * size / kLevelCount;
    double sum = 0, used = 0;
    for (size_t bin = start; bin < stop; ++bin) {
      sum += within[bin];
      used += clipped[bin] > 0 ? 1 : 0;
    }
    for (size_t bin = start; bin < stop; ++bin) {
      if (clipped[bin] <= 0) continue;
      const double p = clipped[bin] / total;
      const double q = std::max(sum / used / sum_within, 1e-12);
      result += p * std::log(p / q);
    }
  }
  return result;
}

}  // namespace

bool RangeHistogram::takes(std::span<const float> numbers) {
  // Written so that what is no number is refused as well.
  return std::ranges::all_of(numbers, [](float number) {
    return std::abs(number) <= std::numeric_limits<float>::max() / 4;
  });
}

void RangeHistogram::add(std::span<const float> numbers) {
  CHECK(takes(numbers));
  float lowest = 0, highest = 0;
  for (const float number : numbers) {
    lowest = std::min(lowest, number);
    highest = std::max(highest, number);
  }
  lowest_ = std::min(lowest_, lowest);
  highest_ = std::max(highest_, highest);
  const float reach = std::max({-lowest_, highest_, std::numeric_limits<float>::min() * 1e6F});
  if (reach_ == 0) reach_ = reach * 1.0001F;
  while (reach_ <= reach) widen();
  const float per_number = static_cast<float>(kBinCount) / (2 * reach_);
  for (const float number : numbers) {
    if (number == 0) {
      ++bins_[kBinCount / 2];  // which begins there; a rounded product may fall short of it
      ++zero_count_;
      continue;
    }
    const auto bin = static_cast<int64_t>((number + reach_) * per_number);
    ++bins_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, kBinCount - 1))];
  }
  count_ += numbers.size();
}

void RangeHistogram::widen() {
  std::vector<uint64_t> wider(kBinCount, 0);
  for (size_t bin = 0; bin < kBinCount; ++bin) wider[kBinCount / 4 + bin / 2] += bins_[bin];
  bins_ = std::move(wider);
  reach_ *= 2;
}

float RangeHistogram::edge(size_t bin) const {
  return reach_ * (2 * static_cast<float>(bin) / static_cast<float>(kBinCount) - 1);
}

std::pair<float, float> RangeHistogram::percentile(double left_out) const {
  const double limit = left_out * static_cast<double>(count_);
  size_t first = 0, end = kBinCount;
  double seen = 0;
  while (first + 1 < end && seen + static_cast<double>(bins_[first]) <= limit) {
    seen += static_cast<double>(bins_[first++]);
  }
  seen = 0;
  while (end - 1 > first && seen + static_cast<double>(bins_[end - 1]) <= limit) {
    seen += static_cast<double>(bins_[--end]);
  }
  return {std::max(lowest_, edge(first)), std::min(highest_, edge(end))};
}

std::pair<float, float> RangeHistogram::entropy() const {
  const float magnitude = std::max(-lowest_, highest_);
  double least = std::numeric_limits<double>::infinity();
  std::pair<float, float> best = extremes();
  constexpr int kCutCount = 48;  // from a quarter of the greatest magnitude to all of it
  for (int cut = 0; cut <= kCutCount; ++cut) {
    const float share = 0.25F + 0.75F * static_cast<float>(cut) / kCutCount;
    const std::pair<float, float> range{std::max(lowest_, -magnitude * share),
                                        std::min(highest_, magnitude * share)};
    const auto bin_of = [&](float at) {
      const float bin = std::round((at / reach_ + 1) * static_cast<float>(kBinCount) / 2);
      return static_cast<size_t>(std::clamp(bin, 0.0F, static_cast<float>(kBinCount)));
    };
    const size_t first = bin_of(range.first), end = std::max(bin_of(range.second), first + 1);
    if (end - first < kLevelCount) continue;  // fewer bins than levels: nothing is lost
    const double lost = divergence(bins_, first, end);
    if (lost < least) {
      least = lost;
      best = range;
    }
  }
  return best;
}

double RangeHistogram::squared_error_of(std::pair<float, float> range) const {
  const Quantization quantization = quantization_of_range(range);
  const float width = 2 * reach_ / static_cast<float>(kBinCount);
  double sum = 0;
  for (size_t bin = 0; bin < kBinCount; ++bin) {
    // A zero, which is most of what a ReLU leaves, is one of the levels.
    const uint64_t count = bins_[bin] - (bin == kBinCount / 2 ? zero_count_ : 0);
    if (count == 0) continue;
    const float middle = edge(bin) + width / 2;
    const float level = std::clamp(
        std::nearbyint(middle / quantization.scale) + static_cast<float>(quantization.zero), 0.0F,
        255.0F);
    const double error =
        double{middle} - double{quantization.scale} * (double{level} - quantization.zero);
    sum += static_cast<double>(count) * error * error;
  }
  return sum;
}

std::pair<float, float> RangeHistogram::squared_error() const {
  constexpr int kCutCount = 64;
  std::pair<float, float> best = extremes();
  double least = squared_error_of(best);
  const auto try_range = [&](std::pair<float, float> range) {
    const double error = squared_error_of(range);
    if (error >= least) return;
    least = error;
    best = range;
  };
  for (int turn = 0; turn < 2; ++turn) {
    const std::pair<float, float> start = best;
    for (int cut = 1; cut < kCutCount; ++cut) {
      try_range({best.first, highest_ * static_cast<float>(cut) / kCutCount});
    }
    for (int cut = 1; cut < kCutCount; ++cut) {
      try_range({lowest_ * static_cast<float>(cut) / kCutCount, best.second});
    }
    if (best == start) break;
  }
  return best;
}

Quantization quantization_of_range(std::pair<float, float> range) {
  const float low = std::min(range.first, 0.0F), high = std::max(range.second, 0.0F);
  Quantization quantization{.scale = std::max((high - low) / 255, 1e-20F)};
  quantization.zero =
      static_cast<int32_t>(std::clamp(std::nearbyint(-low / quantization.scale), 0.0F, 255.0F));
  return quantization;
}

}  // namespace faceforge::nn
