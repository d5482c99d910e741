#include "evaluate/error_rates.h"

#include <cmath>

#include "base/check.h"

namespace faceforge::evaluate {
namespace {

constexpr auto kGenuine = PairKind::Genuine;
constexpr auto kImpostor = PairKind::Impostor;

/// Calls `step(match_threshold, genuine, impostors)` for every bin that holds anything, falling.
template <typename Step>
void walk_down(const ComparisonCounts& counts, Step step) {
  const auto genuine = counts.of(kGenuine).counts();
  const auto impostors = counts.of(kImpostor).counts();
  for (size_t bin = genuine.size(); bin-- > 0;) {
    if (genuine[bin] == 0 && impostors[bin] == 0) continue;
    step(SimilarityHistogram::lower_edge(bin), genuine[bin], impostors[bin]);
  }
}

CurveWalk begin_walk(const ComparisonCounts& counts, std::span<const double> false_match_rates) {
  return CurveWalk(static_cast<double>(counts.total(kGenuine)),
                   static_cast<double>(counts.total(kImpostor)), false_match_rates);
}

/// Whether a plot shows the difference: on its logarithmic axis, or close to 1 on its linear one.
bool is_visible_step(double from, double to) {
  constexpr double kVisible = 0.02;
  return std::abs(from - to) > kVisible * std::min(std::max(from, to), 0.25);
}

}  // namespace

int64_t ComparisonCounts::total(PairKind kind) const {
  return of(kind).total_count() + failures(kind);
}

CountedRate ComparisonCounts::false_matches(float match_threshold) const {
  return {of(kImpostor).count_reaching(match_threshold), total(kImpostor)};
}

CountedRate ComparisonCounts::false_non_matches(float match_threshold) const {
  return {total(kGenuine) - of(kGenuine).count_reaching(match_threshold), total(kGenuine)};
}

std::vector<FnmrAtFmr> fnmr_at_fmr(const ComparisonCounts& counts,
                                   std::span<const double> false_match_rates) {
  CHECK(counts.total(kGenuine) > 0 && counts.total(kImpostor) > 0);
  std::vector<FnmrAtFmr> rates;
  const int64_t impostor_count = counts.total(kImpostor);
  for (const double rate : false_match_rates) {
    rates.push_back({.false_match_rate = rate, .measured = {}});
    if (!is_measurable(rate, impostor_count)) continue;
    const float match_threshold =
        counts.of(kImpostor).threshold_reached_by(allowed_errors(rate, impostor_count));
    rates.back().measured = ThresholdErrors{match_threshold, counts.false_matches(match_threshold),
                                            counts.false_non_matches(match_threshold)};
  }
  return rates;
}

std::optional<FnmrAtFmr> rarest_measured(std::span<const FnmrAtFmr> rates) {
  std::optional<FnmrAtFmr> rarest;
  for (const FnmrAtFmr& rate : rates) {
    if (!rate.measured) continue;
    if (!rarest || rate.false_match_rate < rarest->false_match_rate) rarest = rate;
  }
  return rarest;
}

CurveSummary summarize(const ComparisonCounts& counts, std::span<const double> false_match_rates) {
  CurveWalk curve = begin_walk(counts, false_match_rates);
  walk_down(counts, [&](float, int64_t genuine, int64_t impostors) {
    curve.step(static_cast<double>(genuine), static_cast<double>(impostors));
  });
  return curve.finish();
}

std::vector<CurvePoint> det_curve(const ComparisonCounts& counts) {
  CurveWalk curve = begin_walk(counts, {});
  std::vector<CurvePoint> points;
  CurvePoint last;
  walk_down(counts, [&](float match_threshold, int64_t genuine, int64_t impostors) {
    curve.step(static_cast<double>(genuine), static_cast<double>(impostors));
    last = {match_threshold, curve.false_match_rate(), 1 - curve.true_accept_rate()};
    if (points.empty() || is_visible_step(points.back().false_match_rate, last.false_match_rate) ||
        is_visible_step(points.back().false_non_match_rate, last.false_non_match_rate)) {
      points.push_back(last);
    }
  });
  if (!points.empty() && points.back().match_threshold != last.match_threshold) {
    points.push_back(last);
  }
  return points;
}

std::vector<SimilarityBin> plot_bins(const ComparisonCounts& counts) {
  std::vector<SimilarityBin> bins;
  walk_down(counts, [&](float similarity, int64_t genuine, int64_t impostors) {
    const double low = std::floor(double{similarity} / kPlotBinWidth) * kPlotBinWidth;
    if (bins.empty()) bins.push_back({.low = low, .high = low + kPlotBinWidth});
    while (low < bins.back().low) {  // empty ones between are shown too
      const double next = bins.back().low - kPlotBinWidth;
      bins.push_back({.low = next, .high = next + kPlotBinWidth});
    }
    bins.back().genuine_count += genuine;
    bins.back().impostor_count += impostors;
  });
  return {bins.rbegin(), bins.rend()};
}

}  // namespace faceforge::evaluate
