#include "evaluate/binomial_interval.h"

#include <algorithm>

#include <boost/math/distributions/binomial.hpp>

#include "base/check.h"

namespace faceforge::evaluate {

Interval binomial_interval(int64_t error_count, int64_t trial_count, double confidence) {
  CHECK(0 <= error_count && error_count <= trial_count);
  if (trial_count == 0) return {};
  using Binomial = boost::math::binomial_distribution<double>;
  const auto errors = static_cast<double>(error_count);
  const auto trials = static_cast<double>(trial_count);
  const double beyond = (1 - confidence) / 2;  // on either side
  return {Binomial::find_lower_bound_on_p(trials, errors, beyond),
          Binomial::find_upper_bound_on_p(trials, errors, beyond)};
}

double rule_of_three(int64_t trial_count) {
  return trial_count < 3 ? 1 : 3 / static_cast<double>(trial_count);
}

double CountedRate::rate() const {
  return trial_count == 0 ? 0 : static_cast<double>(error_count) / static_cast<double>(trial_count);
}

int64_t allowed_errors(double rate, int64_t trial_count) {
  return static_cast<int64_t>(std::clamp(rate, 0.0, 1.0) * static_cast<double>(trial_count) + 1e-9);
}

bool is_measurable(double rate, int64_t trial_count) {
  return allowed_errors(rate, trial_count) >= kErrorsBehindARate;
}

}  // namespace faceforge::evaluate
