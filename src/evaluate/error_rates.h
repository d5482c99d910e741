#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/operating_curve.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/pair_list.h"
#include "evaluate/similarity_histogram.h"

namespace faceforge::evaluate {

/// The rates at which FNMR is reported, as NIST FRTE 1:1 does.
inline constexpr std::array kFalseMatchRates{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};

/// The rates at which TAR is reported.
inline constexpr std::array kReportedFalseMatchRates{1e-2, 1e-3};

/// Comparisons of one model, counted by similarity, genuine and impostor ones apart.
///
/// A comparison with a photo that gave no embedding (a failure to acquire) has no similarity and is
/// a non-match at every threshold: an error of a genuine one. So FNMR here is what ISO/IEC 19795-1
/// calls the false reject rate, and what NIST FRTE reports as FNMR.
class ComparisonCounts {
 public:
  /// in: `similarity` in [-1, 1]
  void add(PairKind kind, float similarity) { of(kind).add(similarity); }
  void add_failures(PairKind kind, int64_t count) { failures_[index_of(kind)] += count; }

  /// Comparisons, failed ones too.
  [[nodiscard]] int64_t total(PairKind kind) const;
  [[nodiscard]] int64_t failures(PairKind kind) const { return failures_[index_of(kind)]; }
  [[nodiscard]] const SimilarityHistogram& of(PairKind kind) const {
    return similarities_[index_of(kind)];
  }

  /// Errors at a threshold: impostors that match, or genuine comparisons that do not.
  [[nodiscard]] CountedRate false_matches(float match_threshold) const;
  [[nodiscard]] CountedRate false_non_matches(float match_threshold) const;

 private:
  static size_t index_of(PairKind kind) { return kind == PairKind::Genuine ? 0 : 1; }
  SimilarityHistogram& of(PairKind kind) { return similarities_[index_of(kind)]; }

  std::array<SimilarityHistogram, 2> similarities_;
  std::array<int64_t, 2> failures_{};
};

/// Both errors at one threshold.
struct ThresholdErrors {
  float match_threshold = 0;        ///< the lowest that keeps the FMR on these comparisons
  CountedRate false_matches{};      ///< FMR at it
  CountedRate false_non_matches{};  ///< FNMR at it
};

/// What a promised FMR costs.
struct FnmrAtFmr {
  double false_match_rate = 0;  ///< that was asked for
  /// Nothing where fewer than `kErrorsBehindARate` errors are expected: not measurable.
  std::optional<ThresholdErrors> measured{};
};

/// in: at least one comparison of either kind (a CHECK)
[[nodiscard]] std::vector<FnmrAtFmr> fnmr_at_fmr(
    const ComparisonCounts& counts, std::span<const double> false_match_rates = kFalseMatchRates);

/// The rarest of these rates that was measurable.
[[nodiscard]] std::optional<FnmrAtFmr> rarest_measured(std::span<const FnmrAtFmr> rates);

/// Area, EER and TAR of all comparisons.
///
/// in: at least one comparison of either kind (a CHECK)
[[nodiscard]] CurveSummary summarize(const ComparisonCounts& counts,
                                     std::span<const double> false_match_rates);

/// A point of the DET curve (FNMR against FMR); the ROC curve shows 1 - FNMR.
struct CurvePoint {
  float match_threshold = 0;
  double false_match_rate = 0;
  double false_non_match_rate = 0;
};

/// out: points by rising FMR, as many as a plot can show (some hundreds): neighbours differ by 2 %
///      in one of the rates at least
/// in:  at least one comparison of either kind (a CHECK)
[[nodiscard]] std::vector<CurvePoint> det_curve(const ComparisonCounts& counts);

/// How many comparisons have a similarity from `low` to below `high`.
struct SimilarityBin {
  double low = 0;
  double high = 0;
  int64_t genuine_count = 0;
  int64_t impostor_count = 0;
};

/// out: bins of `kPlotBinWidth` side by side, from the lowest similarity to the highest
[[nodiscard]] std::vector<SimilarityBin> plot_bins(const ComparisonCounts& counts);

inline constexpr double kPlotBinWidth = 1.0 / 64;

}  // namespace faceforge::evaluate
