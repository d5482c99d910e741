#include "gallery/match_policy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace faceforge::gallery {
namespace {

/// What a usable table looks like; see face::Calibration.
bool is_usable(const face::Calibration& calibration) {
  const auto& points = calibration.points;
  const auto out_of_order = [](const face::CalibrationPoint& a, const face::CalibrationPoint& b) {
    return b.false_match_rate >= a.false_match_rate || b.match_threshold <= a.match_threshold;
  };
  return !points.empty() && std::ranges::adjacent_find(points, out_of_order) == points.end() &&
         points.back().false_match_rate > 0;
}

/// Solves ln FMR = intercept + slope t + curvature t^2 on the branch where it falls. Written with
/// the root in the denominator, which is exact when the curvature is 0 too.
double on_the_tail(const face::Calibration& calibration, double log_rate) {
  const double constant = calibration.tail_intercept - log_rate;
  const double discriminant =
      calibration.tail_slope * calibration.tail_slope - 4 * calibration.tail_curvature * constant;
  if (!(discriminant >= 0)) return 1;  // the tail never gets that rare
  const double denominator = -calibration.tail_slope + std::sqrt(discriminant);
  return denominator > 0 ? 2 * constant / denominator : 1;
}

/// in: a usable calibration
MatchThreshold threshold_of(const face::Calibration& calibration, double false_match_rate) {
  const auto& points = calibration.points;
  MatchThreshold found{.false_match_rate = false_match_rate,
                       .extrapolated = false_match_rate < calibration.least_measured_rate};
  if (false_match_rate >= points.front().false_match_rate) {
    found.similarity = points.front().match_threshold;
    return found;
  }
  const auto rarer = std::ranges::find_if(points, [&](const face::CalibrationPoint& point) {
    return point.false_match_rate <= false_match_rate;
  });
  const double log_rate = std::log(false_match_rate);
  if (rarer == points.end()) {
    const double similarity = on_the_tail(calibration, log_rate);
    const double lowest = double{points.back().match_threshold};
    found.similarity = static_cast<float>(std::clamp(similarity, lowest, std::max(lowest, 1.0)));
    found.extrapolated = true;
    return found;
  }
  const auto& before = *std::prev(rarer);
  const double log_before = std::log(before.false_match_rate);
  const double part = (log_rate - log_before) / (std::log(rarer->false_match_rate) - log_before);
  found.similarity = static_cast<float>(
      std::lerp(double{before.match_threshold}, double{rarer->match_threshold}, part));
  return found;
}

Result<void> check_rate(double rate, std::string_view name) {
  if (rate >= kMinRate && rate <= kMaxRate) return {};
  return fail(ErrorCode::InvalidInput, fmt::format("{}_out_of_range", name),
              "the {} is {}; it lies in {} to {}", name, rate, kMinRate, kMaxRate);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Match:
      return "match";
    case Verdict::Ambiguous:
      return "ambiguous";
    case Verdict::Unknown:
      return "unknown";
  }
  CHECK_MSG(false, "no such verdict");
  return {};
}

Result<MatchThreshold> match_threshold(const face::Calibration& calibration,
                                       double false_match_rate) {
  CHECK(false_match_rate > 0 && false_match_rate < 1);
  if (!is_usable(calibration)) {
    return fail(ErrorCode::Conflict, "pack_not_calibrated",
                "the model pack has no calibration, so no promise on false matches can be kept: "
                "run `faceforge evaluate calibrate --write-card`");
  }
  return threshold_of(calibration, false_match_rate);
}

double false_match_rate_for(double false_positive_identification_rate, size_t person_count) {
  const auto people = static_cast<double>(std::max<size_t>(person_count, 1));
  return -std::expm1(std::log1p(-false_positive_identification_rate) / people);
}

double false_positive_identification_rate_of(double false_match_rate, size_t person_count) {
  const auto people = static_cast<double>(std::max<size_t>(person_count, 1));
  return -std::expm1(std::log1p(-false_match_rate) * people);
}

MatchPolicy::MatchPolicy(face::Calibration calibration, const MatchRates& rates,
                         MatchThreshold verification)
    : calibration_(std::move(calibration)), rates_(rates), verification_(verification) {}

Result<MatchPolicy> MatchPolicy::create(const std::optional<face::Calibration>& calibration,
                                        const MatchRates& rates) {
  TRY(check_rate(rates.false_match_rate, "false_match_rate"));
  TRY(check_rate(rates.false_positive_identification_rate, "false_positive_identification_rate"));
  const face::Calibration table = calibration.value_or(face::Calibration{});
  const MatchThreshold verification = TRY(match_threshold(table, rates.false_match_rate));
  return MatchPolicy(table, rates, verification);
}

MatchThreshold MatchPolicy::identification_threshold(size_t person_count) const {
  return threshold_of(
      calibration_, false_match_rate_for(rates_.false_positive_identification_rate, person_count));
}

double MatchPolicy::stranger_rate(float similarity) const {
  const auto& points = calibration_.points;
  const auto above = std::ranges::find_if(points, [&](const face::CalibrationPoint& point) {
    return point.match_threshold >= similarity;
  });
  if (above == points.begin()) {
    return above->match_threshold == similarity ? above->false_match_rate : 1;
  }
  if (above == points.end()) {
    const double t = similarity;
    const double log_rate = calibration_.tail_intercept + calibration_.tail_slope * t +
                            calibration_.tail_curvature * t * t;
    return std::min(std::exp(log_rate), points.back().false_match_rate);
  }
  const auto& below = *std::prev(above);
  const double part = (double{similarity} - below.match_threshold) /
                      (above->match_threshold - below.match_threshold);
  return std::exp(
      std::lerp(std::log(below.false_match_rate), std::log(above->false_match_rate), part));
}

Decision decide(float similarity, const MatchPolicy& policy) {
  const MatchThreshold& match_threshold = policy.verification_threshold();
  const bool passes = similarity >= match_threshold.similarity;
  return {passes ? Verdict::Match : Verdict::Unknown, match_threshold};
}

Decision decide(std::span<const Candidate> candidates, const MatchPolicy& policy,
                size_t person_count) {
  Decision decision{.match_threshold = policy.identification_threshold(person_count)};
  const auto passes = [&](const Candidate& candidate) {
    return candidate.similarity >= decision.match_threshold.similarity;
  };
  if (candidates.empty() || !passes(candidates[0])) return decision;
  const bool contested =
      candidates.size() > 1 && passes(candidates[1]) &&
      candidates[0].similarity - candidates[1].similarity <= policy.ambiguity_margin();
  decision.verdict = contested ? Verdict::Ambiguous : Verdict::Match;
  return decision;
}

}  // namespace faceforge::gallery
