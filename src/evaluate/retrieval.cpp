#include "evaluate/retrieval.h"

#include <algorithm>
#include <functional>

#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {

std::optional<Retrieval> retrieve(std::span<const float> similarities,
                                  std::span<const uint32_t> person_of, size_t photo) {
  std::vector<float> own;
  std::vector<float> others;
  for (size_t other = 0; other < similarities.size(); ++other) {
    if (other == photo) continue;
    (person_of[other] == person_of[photo] ? own : others).push_back(similarities[other]);
  }
  if (own.empty()) return std::nullopt;
  std::ranges::sort(own, std::greater{});
  std::ranges::sort(others, std::greater{});
  Retrieval retrieval;
  const size_t five = std::min<size_t>(5, own.size());
  for (size_t place = 0; place < own.size(); ++place) {
    if (own[place] == kFailedComparison) break;  // never found
    const auto before = std::ranges::upper_bound(others, own[place], std::greater{});
    const size_t rank = place + static_cast<size_t>(before - others.begin()) + 1;
    const auto found = static_cast<double>(place + 1);
    if (place == 0) retrieval.first_rank = rank;
    if (rank <= five) retrieval.precision_at_5 = found / static_cast<double>(five);
    if (rank <= own.size()) retrieval.r_precision = found / static_cast<double>(own.size());
    retrieval.average_precision += found / static_cast<double>(rank * own.size());
  }
  return retrieval;
}

RetrievalMetrics summarize(std::span<const std::optional<Retrieval>> retrievals) {
  RetrievalMetrics metrics;
  const auto count = std::ranges::count_if(retrievals, [](const auto& one) { return !!one; });
  const auto add = [count](CountedRate& misses, bool is_miss) {
    misses.trial_count = count;
    misses.error_count += is_miss ? 1 : 0;
  };
  for (const auto& retrieval : retrievals) {
    if (!retrieval) continue;
    const auto misses = [&](size_t rank) {
      return retrieval->first_rank == 0 || retrieval->first_rank > rank;
    };
    add(metrics.misses_at_rank_1, misses(1));
    add(metrics.misses_at_rank_5, misses(5));
    add(metrics.misses_at_rank_20, misses(20));
    const auto total = static_cast<double>(count);
    metrics.precision_at_5 += retrieval->precision_at_5 / total;
    metrics.r_precision += retrieval->r_precision / total;
    metrics.mean_average_precision += retrieval->average_precision / total;
  }
  return metrics;
}

}  // namespace faceforge::evaluate
