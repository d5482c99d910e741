#include "evaluate/verification_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/operating_curve.h"

namespace faceforge::evaluate {
namespace {

std::vector<ComparedPair> by_falling_similarity(std::span<const ComparedPair> pairs) {
  std::vector<ComparedPair> sorted(pairs.begin(), pairs.end());
  std::ranges::sort(sorted, std::greater{}, &ComparedPair::similarity);
  return sorted;
}

/// The threshold that accepts exactly the first `accepted_count` of the sorted pairs.
float threshold_accepting(const std::vector<ComparedPair>& sorted, size_t accepted_count) {
  const float above = accepted_count == 0 ? std::nextafter(sorted.front().similarity, 2.0F)
                                          : sorted[accepted_count - 1].similarity;
  if (accepted_count == 0 || accepted_count == sorted.size()) return above;
  const float below = sorted[accepted_count].similarity;
  const float middle = std::midpoint(above, below);
  return middle > below ? middle : above;  // neighbouring floats have nothing between them
}

std::vector<float> similarities_of(std::span<const ComparedPair> pairs, PairKind kind) {
  std::vector<float> similarities;
  for (const ComparedPair& pair : pairs) {
    if (pair.kind == kind) similarities.push_back(pair.similarity);
  }
  CHECK(!similarities.empty());
  return similarities;
}

}  // namespace

float most_accurate_threshold(std::span<const ComparedPair> pairs) {
  CHECK(!pairs.empty());
  const auto sorted = by_falling_similarity(pairs);
  // Right answers at a cut, but for a constant: genuine pairs accepted less impostors accepted.
  int64_t balance = 0;
  int64_t best_balance = 0;
  std::vector<size_t> best_cuts{0};
  for (size_t accepted_count = 1; accepted_count <= sorted.size(); ++accepted_count) {
    balance += sorted[accepted_count - 1].kind == PairKind::Genuine ? 1 : -1;
    const bool inside_a_tie =
        accepted_count < sorted.size() &&
        sorted[accepted_count].similarity == sorted[accepted_count - 1].similarity;
    if (inside_a_tie || balance < best_balance) continue;
    if (balance > best_balance) best_cuts.clear();
    best_balance = balance;
    best_cuts.push_back(accepted_count);
  }
  return threshold_accepting(sorted, best_cuts[best_cuts.size() / 2]);
}

double accuracy_at(std::span<const ComparedPair> pairs, float match_threshold) {
  if (pairs.empty()) return 0;
  const auto right = std::ranges::count_if(pairs, [&](const ComparedPair& pair) {
    return (pair.similarity >= match_threshold) == (pair.kind == PairKind::Genuine);
  });
  return static_cast<double>(right) / static_cast<double>(pairs.size());
}

OperatingPoint tar_at_fmr(std::span<const ComparedPair> pairs, double false_match_rate) {
  auto impostors = similarities_of(pairs, PairKind::Impostor);
  std::ranges::sort(impostors, std::greater{});
  // The small addition keeps 0.001 * 3000 from being counted as 2.
  const auto allowed = static_cast<size_t>(
      std::clamp(false_match_rate, 0.0, 1.0) * static_cast<double>(impostors.size()) + 1e-9);
  const float match_threshold =
      allowed >= impostors.size()
          ? -1.0F
          : std::nextafter(impostors[allowed], std::numeric_limits<float>::infinity());
  const auto genuine = similarities_of(pairs, PairKind::Genuine);
  const auto accepted = std::ranges::count_if(
      genuine, [&](float similarity) { return similarity >= match_threshold; });
  return {.false_match_rate = false_match_rate,
          .match_threshold = match_threshold,
          .true_accept_rate = static_cast<double>(accepted) / static_cast<double>(genuine.size())};
}

Result<VerificationMetrics> measure_verification(std::span<const ComparedPair> pairs,
                                                 int fold_count,
                                                 std::span<const double> false_match_rates) {
  if (fold_count < 2) {
    return fail(ErrorCode::InvalidInput, "too_few_folds",
                "{} fold; the threshold of a fold comes from the others, so 2 are needed",
                fold_count);
  }
  VerificationMetrics metrics;
  for (int fold_index = 0; fold_index < fold_count; ++fold_index) {
    std::vector<ComparedPair> inside;
    std::vector<ComparedPair> others;
    for (const ComparedPair& pair : pairs) {
      (pair.fold_index == fold_index ? inside : others).push_back(pair);
    }
    for (const PairKind kind : {PairKind::Genuine, PairKind::Impostor}) {
      if (std::ranges::count(inside, kind, &ComparedPair::kind) == 0) {
        return fail(ErrorCode::InvalidInput, "pair_kind_missing", "fold {} has no {} pairs",
                    fold_index + 1, kind == PairKind::Genuine ? "genuine" : "impostor");
      }
    }
    const float match_threshold = most_accurate_threshold(others);
    metrics.folds.push_back({accuracy_at(inside, match_threshold), match_threshold});
    metrics.accuracy += metrics.folds.back().accuracy / fold_count;
  }
  double variance = 0;
  for (const FoldAccuracy& fold : metrics.folds) {
    variance += std::pow(fold.accuracy - metrics.accuracy, 2) / fold_count;
  }
  metrics.accuracy_std = std::sqrt(variance);
  metrics.auc = summarize_curve(similarities_of(pairs, PairKind::Genuine),
                                similarities_of(pairs, PairKind::Impostor), {})
                    .auc;
  for (const double false_match_rate : false_match_rates) {
    metrics.operating_points.push_back(tar_at_fmr(pairs, false_match_rate));
  }
  return metrics;
}

}  // namespace faceforge::evaluate
