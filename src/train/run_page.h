#pragma once

#include <span>
#include <string>

#include "train/run.h"

namespace faceforge::train {

/// Writes a run as one HTML page that needs nothing else: what came of it beside raw pixels, the
/// curves of its steps and measurements, and all settings.
///
/// in: `history` of all steps done
[[nodiscard]] std::string run_page(const RunRecord& record, std::span<const StepResult> history);

}  // namespace faceforge::train
