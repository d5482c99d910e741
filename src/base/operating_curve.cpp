#include "base/operating_curve.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace faceforge {

CurveWalk::CurveWalk(double genuine_total, double impostor_total,
                     std::span<const double> false_match_rates)
    : genuine_total_(genuine_total),
      impostor_total_(impostor_total),
      false_match_rates_(false_match_rates.begin(), false_match_rates.end()),
      true_accept_rates_(false_match_rates.size()) {
  CHECK(genuine_total > 0 && impostor_total > 0);
}

void CurveWalk::step(double genuine_weight, double impostor_weight) {
  constexpr double kRounding = 1e-12;  // 0.1 * 120 impostors are twelve of them
  const double old_excess = false_match_rate() + true_accept_rate() - 1;  // FMR - FNMR
  const double old_rate = false_match_rate();
  area_ += impostor_weight * (genuine_ + genuine_weight / 2);
  genuine_ += genuine_weight;
  impostors_ += impostor_weight;
  const double excess = false_match_rate() + true_accept_rate() - 1;
  if (!equal_error_rate_ && excess >= 0) {
    const double part = excess > old_excess ? -old_excess / (excess - old_excess) : 1;
    equal_error_rate_ = old_rate + part * (false_match_rate() - old_rate);
  }
  for (size_t index = 0; index < false_match_rates_.size(); ++index) {
    if (false_match_rate() <= false_match_rates_[index] + kRounding) {
      true_accept_rates_[index] = true_accept_rate();
    }
  }
}

CurveSummary CurveWalk::finish() {
  step(std::max(0.0, genuine_total_ - genuine_), std::max(0.0, impostor_total_ - impostors_));
  return {.auc = area_ / genuine_total_ / impostor_total_,
          .equal_error_rate = equal_error_rate_.value_or(1),
          .true_accept_rates = true_accept_rates_};
}

CurveSummary summarize_curve(std::vector<float> genuine, std::vector<float> impostor,
                             std::span<const double> false_match_rates) {
  CurveWalk curve(static_cast<double>(genuine.size()), static_cast<double>(impostor.size()),
                  false_match_rates);
  std::ranges::sort(genuine, std::greater{});
  std::ranges::sort(impostor, std::greater{});
  auto next_genuine = genuine.begin();
  auto next_impostor = impostor.begin();
  while (next_genuine != genuine.end() || next_impostor != impostor.end()) {
    const float similarity = next_genuine == genuine.end() ? *next_impostor
                             : next_impostor == impostor.end()
                                 ? *next_genuine
                                 : std::max(*next_genuine, *next_impostor);
    const auto take = [similarity](auto& next, auto end) {
      const auto first = next;
      while (next != end && *next == similarity) ++next;
      return static_cast<double>(next - first);
    };
    const double genuine_weight = take(next_genuine, genuine.end());
    const double impostor_weight = take(next_impostor, impostor.end());
    curve.step(genuine_weight, impostor_weight);
  }
  return curve.finish();
}

}  // namespace faceforge
