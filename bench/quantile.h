#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace faceforge::bench {

/// The value below which a share of the list lies, between neighbours in proportion (Hyndman and
/// Fan 1996, type 7), as frame/statistics.mjs has it.
///
/// in: at least one value; `share` in [0, 1]
inline double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

}  // namespace faceforge::bench
