#pragma once

#include "base/json.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/error_rates.h"
#include "evaluate/evaluation.h"

namespace faceforge::evaluate {

/// A report as docs/cli.md has it. Embeddings are not in it.
[[nodiscard]] json::object to_json(const EvaluationReport& report);

/// `[low, high]`
[[nodiscard]] json::array to_json(const Interval& interval);

/// `{"rate","interval","errors","trials"}`
[[nodiscard]] json::object to_json(const CountedRate& rate);

/// `[{"false_match_rate","measurable",..}]`
[[nodiscard]] json::array to_json(std::span<const FnmrAtFmr> rates);

/// `{"auc":[..],"equal_error_rate":[..],"tar_at_fmr":{"0.01":[..]}}`
[[nodiscard]] json::object to_json(const CurveIntervals& intervals,
                                   std::span<const double> false_match_rates);

}  // namespace faceforge::evaluate
