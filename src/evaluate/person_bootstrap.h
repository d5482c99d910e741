#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/operating_curve.h"
#include "base/result.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/pair_list.h"

namespace faceforge::evaluate {

/// Who is on the two photos of a comparison; one person with `PairKind::Genuine`.
struct PersonPair {
  uint32_t first_person = 0;
  uint32_t second_person = 0;
  PairKind kind = PairKind::Genuine;
};

/// A curve and the same curve of each draw.
struct BootstrappedCurve {
  CurveSummary measured{};
  std::vector<CurveSummary> draws{};  ///< `draws[k]` is of the same people for every model
};

/// Intervals for what is measured on comparisons that share people: instead of comparisons, people
/// are drawn, with replacement. A genuine comparison of a person drawn k times counts k times, an
/// impostor comparison of people drawn j and k times counts j * k times.
///
/// The draws depend on the seed alone: differences between two models on the same comparisons, draw
/// by draw, are paired, and mostly far more certain than either model's own figure.
///
/// source: Bolle, Ratha & Pankanti 2004, "Error analysis of pattern recognition systems - the
///         subsets bootstrap"; Snijders & Borgatti 1999, "Non-parametric standard errors and tests
///         for network statistics" (a pair's two people drawn independently)
class PersonBootstrap {
 public:
  struct Options {
    uint64_t seed = 1;
    size_t draw_count = 1000;
    std::vector<double> false_match_rates{};
  };

  /// in: `person_count` more than every index in `pairs`, which must outlive this; at least one
  ///     comparison of either kind (CHECKs)
  PersonBootstrap(std::span<const PersonPair> pairs, size_t person_count, Options options);

  /// Summarizes a model's similarities, beside `pairs`; `kFailedComparison` where there is none.
  ///
  /// out:   a draw without comparisons of either kind is left out, of every model alike
  /// fails: cancelled/cancelled
  /// cost:  O(pairs * (draws + log pairs)), 4 bytes a pair
  [[nodiscard]] Result<BootstrappedCurve> summarize(std::span<const float> similarities,
                                                    const std::stop_token& stop) const;

 private:
  [[nodiscard]] std::vector<uint32_t> draw_people(size_t draw_index) const;
  struct Totals {
    double genuine = 0;
    double impostor = 0;
  };
  [[nodiscard]] Totals totals(std::span<const uint32_t> times_drawn) const;

  std::span<const PersonPair> pairs_;
  size_t person_count_;
  Options options_;
};

/// The middle `confidence` of some numbers: from their lower to their upper percentile, linear
/// between two of them; [value, value] of one number.
///
/// in:     at least one number (a CHECK)
/// source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3
[[nodiscard]] Interval percentile_interval(std::vector<double> values,
                                           double confidence = kConfidence);

/// The intervals of a curve's figures.
struct CurveIntervals {
  Interval auc{};
  Interval equal_error_rate{};
  std::vector<Interval> true_accept_rates{};
};

/// in: at least one draw (a CHECK)
[[nodiscard]] CurveIntervals intervals_of(const BootstrappedCurve& curve,
                                          double confidence = kConfidence);

}  // namespace faceforge::evaluate
