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
  Separation separation = separation_of(compare_all_pairs(unit_rows, people));
  separation.crop_count = people.size();
  separation.person_count = std::set<uint32_t>(people.begin(), people.end()).size();
  return separation;
}

}  // namespace faceforge::train
