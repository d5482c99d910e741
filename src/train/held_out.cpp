#include "train/held_out.h"

#include <algorithm>
#include <set>

#include <torch/utils.h>

namespace faceforge::train {
namespace {

constexpr int64_t kRowsAtOnce = 256;

}  // namespace

PairSimilarities compare_all_pairs(const torch::Tensor& unit_rows,
                                   std::span<const uint32_t> people) {
  const torch::NoGradGuard no_gradient;
  const auto count = static_cast<int64_t>(people.size());
  const torch::Tensor columns = unit_rows.t();
  PairSimilarities pairs;
  for (int64_t first = 0; first < count; first += kRowsAtOnce) {
    const int64_t rows = std::min(kRowsAtOnce, count - first);
    const torch::Tensor similarities =
        unit_rows.narrow(0, first, rows).matmul(columns).to(torch::kCPU).contiguous();
    const auto* row = similarities.data_ptr<float>();
    for (int64_t i = first; i < first + rows; ++i, row += count) {
      for (int64_t other = i + 1; other < count; ++other) {
        const bool genuine = people[static_cast<size_t>(i)] == people[static_cast<size_t>(other)];
        (genuine ? pairs.genuine : pairs.impostor).push_back(row[other]);
      }
    }
  }
  return pairs;
}

Separation separation_of(const torch::Tensor& unit_rows, std::span<const uint32_t> people) {
  const PairSimilarities pairs = compare_all_pairs(unit_rows, people);
  return {.crop_count = people.size(),
          .person_count = std::set<uint32_t>(people.begin(), people.end()).size(),
          .genuine_pair_count = pairs.genuine.size(),
          .impostor_pair_count = pairs.impostor.size(),
          .auc = area_under_roc(pairs),
          .tar_at_fmr1 = tar_at_fmr(pairs, 1e-1),
          .tar_at_fmr2 = tar_at_fmr(pairs, 1e-2),
          .tar_at_fmr3 = tar_at_fmr(pairs, 1e-3)};
}

}  // namespace faceforge::train
