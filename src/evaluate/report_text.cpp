#include "evaluate/report_text.h"

#include <cmath>
#include <cstddef>

#include <fmt/format.h>

namespace faceforge::evaluate {
namespace {

std::string percent(double rate) {
  const double percent = 100 * rate;
  if (percent == 0 || percent >= 10) return fmt::format("{:.1f}", percent);
  if (percent >= 0.1) return fmt::format("{:.2f}", percent);
  return fmt::format("{:.2g}", percent);
}

}  // namespace

std::string count_text(int64_t count) {
  std::string text = fmt::format("{}", count);
  for (auto place = static_cast<ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) {
    text.insert(static_cast<size_t>(place), "\u00a0");
  }
  return text;
}

std::string promise_text(double rate) {
  if (rate >= 1e-3) return fmt::format("{:g}", rate);
  const int exponent = static_cast<int>(std::floor(std::log10(rate) + 1e-9));
  return fmt::format("{:g}e{}", std::round(rate * std::pow(10, -exponent) * 100) / 100, exponent);
}

std::string rate_text(double rate) {
  return percent(rate) + " %";
}

std::string rate_text(const CountedRate& rate) {
  if (rate.trial_count == 0) return "no trials";
  if (rate.error_count == 0) {
    return fmt::format("0 of {} (below {} %)", count_text(rate.trial_count),
                       percent(rule_of_three(rate.trial_count)));
  }
  return fmt::format("{} {}", rate_text(rate.rate()), interval_text(rate.interval()));
}

std::string interval_text(const Interval& interval) {
  return fmt::format("({} to {} %)", percent(interval.low), percent(interval.high));
}

}  // namespace faceforge::evaluate
