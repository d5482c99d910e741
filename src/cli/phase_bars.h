#pragma once

#include <memory>
#include <string_view>

#include "base/parallel_work.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/supervision.h"
#include "cli/text.h"

namespace faceforge::cli {

/// A progress bar for each phase of long work, one at a time.
class PhaseBars {
 public:
  explicit PhaseBars(const Interrupt& interrupt) : interrupt_(interrupt) {}

  /// Takes the bar before it away. What is returned must not outlive this, nor the next phase.
  [[nodiscard]] Supervision begin(std::string_view phase) {
    bar_.reset();
    bar_ = std::make_unique<ProgressBar>(to_printable(phase));
    return supervision_of(*bar_, interrupt_);
  }

  void end() { bar_.reset(); }

 private:
  const Interrupt& interrupt_;
  std::unique_ptr<ProgressBar> bar_;
};

}  // namespace faceforge::cli
