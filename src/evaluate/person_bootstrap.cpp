#include "evaluate/person_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/check.h"
#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {
namespace {

std::vector<size_t> by_falling_similarity(std::span<const float> similarities) {
  std::vector<size_t> order(similarities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return similarities[a] > similarities[b]; });
  return order;
}

/// A percentile of sorted numbers, linear between two of them.
double percentile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

PersonBootstrap::PersonBootstrap(std::span<const PersonPair> pairs, size_t person_count,
                                 Options options)
    : pairs_(pairs), person_count_(person_count), options_(std::move(options)) {
  for (const PersonPair& pair : pairs) {
    CHECK(std::max(pair.first_person, pair.second_person) < person_count);
  }
  const std::vector<uint32_t> once(person_count, 1);
  CHECK(totals(once).genuine > 0 && totals(once).impostor > 0);
}

PersonBootstrap::Totals PersonBootstrap::totals(std::span<const uint32_t> times_drawn) const {
  Totals totals;
  for (const PersonPair& pair : pairs_) {
    const double first = times_drawn[pair.first_person];
    if (pair.kind == PairKind::Genuine) {
      totals.genuine += first;
    } else {
      totals.impostor += first * times_drawn[pair.second_person];
    }
  }
  return totals;
}

std::vector<uint32_t> PersonBootstrap::draw_people(size_t draw_index) const {
  // Every draw has a generator of its own, so that it does not matter who draws before it.
  std::seed_seq seed{static_cast<uint32_t>(options_.seed),
                     static_cast<uint32_t>(options_.seed >> 32), static_cast<uint32_t>(draw_index)};
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<size_t> person(0, person_count_ - 1);
  std::vector<uint32_t> times_drawn(person_count_);
  for (size_t i = 0; i < person_count_; ++i) ++times_drawn[person(random)];
  return times_drawn;
}

Result<BootstrappedCurve> PersonBootstrap::summarize(std::span<const float> similarities,
                                                     const std::stop_token& stop) const {
  CHECK(similarities.size() == pairs_.size());
  const std::vector<size_t> order = by_falling_similarity(similarities);
  const auto walk = [&](std::span<const uint32_t> times_drawn, const Totals& totals) {
    CurveWalk curve(totals.genuine, totals.impostor, options_.false_match_rates);
    double genuine = 0;
    double impostor = 0;
    for (size_t place = 0; place < order.size(); ++place) {
      const float similarity = similarities[order[place]];
      if (similarity == kFailedComparison) break;
      const PersonPair& pair = pairs_[order[place]];
      const double first = times_drawn[pair.first_person];
      if (pair.kind == PairKind::Genuine) {
        genuine += first;
      } else {
        impostor += first * times_drawn[pair.second_person];
      }
      const bool inside_a_tie =
          place + 1 < order.size() && similarities[order[place + 1]] == similarity;
      if (inside_a_tie || (genuine == 0 && impostor == 0)) continue;
      curve.step(genuine, impostor);
      genuine = impostor = 0;
    }
    return curve.finish();
  };
  const std::vector<uint32_t> once(person_count_, 1);
  BootstrappedCurve curve{.measured = walk(once, totals(once))};
  for (size_t draw_index = 0; draw_index < options_.draw_count; ++draw_index) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} draws", draw_index,
                  options_.draw_count);
    }
    const std::vector<uint32_t> times_drawn = draw_people(draw_index);
    const Totals drawn = totals(times_drawn);
    if (drawn.genuine == 0 || drawn.impostor == 0) continue;
    curve.draws.push_back(walk(times_drawn, drawn));
  }
  return curve;
}

Interval percentile_interval(std::vector<double> values, double confidence) {
  CHECK(!values.empty());
  std::ranges::sort(values);
  const double beyond = (1 - confidence) / 2;
  return {percentile(values, beyond), percentile(values, 1 - beyond)};
}

CurveIntervals intervals_of(const BootstrappedCurve& curve, double confidence) {
  const auto interval = [&](auto figure) {
    std::vector<double> values;
    for (const CurveSummary& draw : curve.draws) values.push_back(figure(draw));
    return percentile_interval(std::move(values), confidence);
  };
  CurveIntervals intervals{
      .auc = interval([](const CurveSummary& draw) { return draw.auc; }),
      .equal_error_rate = interval([](const CurveSummary& draw) { return draw.equal_error_rate; }),
      .true_accept_rates = {}};
  for (size_t index = 0; index < curve.measured.true_accept_rates.size(); ++index) {
    intervals.true_accept_rates.push_back(
        interval([&](const CurveSummary& draw) { return draw.true_accept_rates[index]; }));
  }
  return intervals;
}

}  // namespace faceforge::evaluate
