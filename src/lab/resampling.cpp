#include "lab/resampling.h"

#include <algorithm>
#include <cmath>

namespace faceforge::lab {

nn::Tensor resampling_matrix(int64_t from, int64_t to) {
  nn::Tensor matrix{.shape = {from, to}, .values = {}};
  matrix.values.assign(static_cast<size_t>(from * to), 0);
  const auto at = [&](int64_t row, int64_t column) -> float& {
    return matrix.values[static_cast<size_t>(row * to + column)];
  };
  for (int64_t column = 0; column < to; ++column) {
    if (to < from) {
      const int64_t begin = column * from / to;
      const int64_t end = ((column + 1) * from + to - 1) / to;
      for (int64_t row = begin; row < end; ++row)
        at(row, column) = 1 / static_cast<float>(end - begin);
      continue;
    }
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double place = std::max(0.0, (static_cast<double>(column) + 0.5) * scale - 0.5);
    const auto below = static_cast<int64_t>(place);
    const int64_t above = std::min(below + 1, from - 1);
    const double share = place - static_cast<double>(below);
    at(below, column) += static_cast<float>(1 - share);
    at(above, column) += static_cast<float>(share);
  }
  return matrix;
}

}  // namespace faceforge::lab
