#pragma once

#include <optional>
#include <span>
#include <vector>

namespace faceforge {

/// A curve of operating points in a few numbers.
struct CurveSummary {
  double auc = 0;                           ///< area under the ROC curve
  double equal_error_rate = 0;              ///< EER, where FMR and FNMR are equal
  std::vector<double> true_accept_rates{};  ///< TAR at each FMR asked for, in order
};

/// Walks down the similarities of genuine and impostor comparisons, from one operating point to the
/// next. Weights are counts, or how often a bootstrap drew them.
class CurveWalk {
 public:
  /// in: totals over 0 (a CHECK), of those comparisons too that gave no similarity;
  ///     `false_match_rates` in [0, 1]
  CurveWalk(double genuine_total, double impostor_total, std::span<const double> false_match_rates);

  /// Accepts the comparisons at the next lower similarity, all at once: what is equally similar is
  /// accepted together.
  void step(double genuine_weight, double impostor_weight);

  [[nodiscard]] double false_match_rate() const { return impostors_ / impostor_total_; }
  [[nodiscard]] double true_accept_rate() const { return genuine_ / genuine_total_; }

  /// Ends the walk. What was not stepped over gave no similarity (a failure to acquire): it is less
  /// similar than everything else, so that a genuine one is an error at every threshold.
  ///
  /// out:    a tie counts half in the area; the equal error rate lies on the straight line between
  ///         the two operating points around it; a TAR is that of the last operating point that
  ///         keeps its FMR
  /// source: Hanley & McNeil 1982 (the area is the Mann-Whitney U statistic); Fawcett 2006, "An
  ///         introduction to ROC analysis", section 5 (points between two thresholds can be had by
  ///         choosing one of them at random)
  [[nodiscard]] CurveSummary finish();

 private:
  double genuine_total_;
  double impostor_total_;
  std::vector<double> false_match_rates_;
  double genuine_ = 0;
  double impostors_ = 0;
  double area_ = 0;
  std::optional<double> equal_error_rate_{};
  std::vector<double> true_accept_rates_;
};

/// The curve of some comparisons, all of which gave a similarity.
///
/// in:   at least one similarity of each kind (a CHECK), in any order
/// cost: O(n log n)
[[nodiscard]] CurveSummary summarize_curve(std::vector<float> genuine, std::vector<float> impostor,
                                           std::span<const double> false_match_rates);

}  // namespace faceforge
