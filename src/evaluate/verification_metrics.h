#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "evaluate/pair_list.h"

namespace faceforge::evaluate {

/// A pair after its two photos were compared.
struct ComparedPair {
  float similarity = 0;
  PairKind kind = PairKind::Genuine;
  int fold_index = 0;
};

/// A fold judged with the threshold that was best on all the others.
struct FoldAccuracy {
  double accuracy = 0;
  float match_threshold = 0;
};

/// How many genuine pairs pass when at most this share of the impostors may.
struct OperatingPoint {
  double false_match_rate = 0;  ///< FMR asked for
  float match_threshold = 0;    ///< the lowest that keeps it on these pairs
  double true_accept_rate = 0;  ///< TAR
};

struct VerificationMetrics {
  double accuracy = 0;      ///< mean over the folds
  double accuracy_std = 0;  ///< standard deviation over the folds (divided by n, as the field does)
  std::vector<FoldAccuracy> folds;
  double auc = 0;  ///< area under the ROC curve
  std::vector<OperatingPoint> operating_points;
};

/// Chooses the threshold with the most right answers (`similarity >= match_threshold` is a match).
///
/// out:  halfway between two neighbouring similarities; of several equally good places the middle
///       one, so that the answer does not lean towards either kind of error
/// cost: O(n log n)
[[nodiscard]] float most_accurate_threshold(std::span<const ComparedPair> pairs);

/// out: the share of right answers at a threshold; 0 of no pairs
[[nodiscard]] double accuracy_at(std::span<const ComparedPair> pairs, float match_threshold);

/// out:  at the lowest threshold that at most `false_match_rate` of the impostors reach
/// in:   at least one pair of each kind (a CHECK)
[[nodiscard]] OperatingPoint tar_at_fmr(std::span<const ComparedPair> pairs,
                                        double false_match_rate);

/// Judges a whole list as LFW's protocol for pre-trained models asks.
///
/// in:     every `fold_index` from 0 to `fold_count` - 1
/// fails:  invalid_input/too_few_folds when there are fewer than two;
///         invalid_input/pair_kind_missing when a fold lacks genuine or impostor pairs
/// source: Huang & Learned-Miller 2014, "Labeled Faces in the Wild: Updates and New Reporting
///         Procedures", section on View 2: the threshold of each fold comes from the other nine
[[nodiscard]] Result<VerificationMetrics> measure_verification(
    std::span<const ComparedPair> pairs, int fold_count, std::span<const double> false_match_rates);

}  // namespace faceforge::evaluate
