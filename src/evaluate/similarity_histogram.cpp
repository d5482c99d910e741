#include "evaluate/similarity_histogram.h"

#include <algorithm>
#include <cmath>

namespace faceforge::evaluate {
namespace {

constexpr double kBinsPerUnit = 65'536;
constexpr size_t kBinCount = 2 * 65'536 + 1;  // the last one holds similarity 1 itself

/// The bin whose lower edge is the highest one not above `similarity`.
size_t bin_of(float similarity) {
  const double position = std::floor((double{similarity} + 1) * kBinsPerUnit);
  return static_cast<size_t>(std::clamp(position, 0.0, double{kBinCount - 1}));
}

}  // namespace

SimilarityHistogram::SimilarityHistogram() : counts_(kBinCount) {}

float SimilarityHistogram::lower_edge(size_t bin) {
  return static_cast<float>(static_cast<double>(bin) / kBinsPerUnit - 1);
}

void SimilarityHistogram::add(float similarity) {
  ++counts_[bin_of(similarity)];
  ++total_count_;
}

float SimilarityHistogram::threshold_reached_by(int64_t allowed_count) const {
  int64_t reaching_count = 0;
  for (size_t bin = kBinCount; bin > 0; --bin) {
    reaching_count += counts_[bin - 1];
    if (reaching_count > allowed_count) return lower_edge(bin);
  }
  return -1;
}

int64_t SimilarityHistogram::count_reaching(float threshold) const {
  int64_t reaching_count = 0;
  for (size_t bin = bin_of(threshold); bin < kBinCount; ++bin) reaching_count += counts_[bin];
  return threshold > 1 ? 0 : reaching_count;
}

}  // namespace faceforge::evaluate
