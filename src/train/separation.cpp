#include "train/separation.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/check.h"

namespace faceforge::train {

double area_under_roc(const PairSimilarities& pairs) {
  CHECK(!pairs.genuine.empty() && !pairs.impostor.empty());
  std::vector<float> impostor = pairs.impostor;
  std::ranges::sort(impostor);
  double wins = 0;
  for (const float similarity : pairs.genuine) {
    const auto [first, last] = std::ranges::equal_range(impostor, similarity);
    wins += static_cast<double>(first - impostor.begin()) + 0.5 * static_cast<double>(last - first);
  }
  return wins / static_cast<double>(pairs.genuine.size()) /
         static_cast<double>(pairs.impostor.size());
}

double tar_at_fmr(const PairSimilarities& pairs, double false_match_rate) {
  CHECK(!pairs.genuine.empty() && !pairs.impostor.empty());
  const auto allowed = static_cast<size_t>(
      std::floor(false_match_rate * static_cast<double>(pairs.impostor.size()) + 1e-9));
  if (allowed >= pairs.impostor.size()) return 1;
  std::vector<float> impostor = pairs.impostor;
  const auto first_refused = impostor.begin() + static_cast<std::ptrdiff_t>(allowed);
  std::ranges::nth_element(impostor, first_refused, std::greater{});
  // Whatever is more similar than the first impostor pair that must not pass.
  const auto passed = std::ranges::count_if(
      pairs.genuine, [&](float similarity) { return similarity > *first_refused; });
  return static_cast<double>(passed) / static_cast<double>(pairs.genuine.size());
}

}  // namespace faceforge::train
