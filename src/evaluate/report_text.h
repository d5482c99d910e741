#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "evaluate/binomial_interval.h"

namespace faceforge::evaluate {

/// A number of things: `1 117 644`, with spaces that do not break.
[[nodiscard]] std::string count_text(int64_t count);

/// A rate that is promised: `0.01`, `1e-5`.
[[nodiscard]] std::string promise_text(double rate);

/// A rate for people: `0.42 %`, `12.5 %`, `0.0031 %`.
[[nodiscard]] std::string rate_text(double rate);

/// `0.42 % (0.31 to 0.55 %)`; of no errors the rule of three: `0 of 300 (below 1.00 %)`.
[[nodiscard]] std::string rate_text(const CountedRate& rate);

/// `(0.31 to 0.55 %)`
[[nodiscard]] std::string interval_text(const Interval& interval);

}  // namespace faceforge::evaluate
