#include "train/separation.h"

#include <array>
#include <utility>

#include "base/operating_curve.h"

namespace faceforge::train {

Separation separation_of(PairSimilarities pairs) {
  Separation separation{.genuine_pair_count = pairs.genuine.size(),
                        .impostor_pair_count = pairs.impostor.size()};
  const CurveSummary curve = summarize_curve(std::move(pairs.genuine), std::move(pairs.impostor),
                                             std::array{1e-1, 1e-2, 1e-3});
  separation.auc = curve.auc;
  separation.tar_at_fmr1 = curve.true_accept_rates[0];
  separation.tar_at_fmr2 = curve.true_accept_rates[1];
  separation.tar_at_fmr3 = curve.true_accept_rates[2];
  return separation;
}

}  // namespace faceforge::train
