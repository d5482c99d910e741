#pragma once

#include "base/parallel_work.h"
#include "cli/console.h"
#include "cli/interrupt.h"

namespace faceforge::cli {

/// Shows long work on a progress bar, and ends it with Ctrl-C.
///
/// in: both outlive the work
[[nodiscard]] Supervision supervision_of(ProgressBar& bar, const Interrupt& interrupt);

}  // namespace faceforge::cli
